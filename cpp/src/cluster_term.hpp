// The two-point cluster function as a part of the annealing energy.
//
// Y. Jiao, F. H. Stillinger and S. Torquato, PNAS 106, 17634 (2009), reconstruct from it. Where
// they label all clusters anew, here those that an exchange joins or cuts are followed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cluster_ids.hpp"
#include "microtwin/term.hpp"

namespace microtwin {

class ClusterTerm final : public Term {
  public:
    ClusterTerm(const LabelView& labels, std::vector<TargetCurve> targets, bool periodic);

    double difference(std::int64_t a, std::int64_t b) override;
    void commit() override;
    const std::vector<Curve>& curves() const override { return curves_; }

  private:
    using Voxel = ClusterIds::Voxel;
    using Id = ClusterIds::Id;

    // One way along the step of a curve: ahead or back.
    struct Way {
        std::size_t curve;
        std::array<int, 3> by;
        std::int64_t stride;
        std::array<std::int64_t, 3> jump;  // added to an index that crosses a face along an axis
    };

    void leave(Voxel voxel);
    void enter(Voxel voxel);
    void add_pairs(Voxel voxel, Id other, std::int32_t sign);
    void add_pairs_along(const Way& way, Voxel voxel, const Offset& at, Id other,
                         std::int32_t sign);

    Shape3 shape_;
    bool periodic_;
    ClusterIds clusters_;
    std::vector<Curve> curves_;
    std::vector<Way> ways_;
    // Of the exchange looked at last, the change of each curve's hits.
    std::vector<std::vector<std::int32_t>> changes_;
    bool touched_ = false;  // whether the phase has a part in it
    std::vector<Voxel> voxels_;
    std::vector<ClusterIds::Range> parts_;
};

}  // namespace microtwin
