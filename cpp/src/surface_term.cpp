#include "surface_term.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "line_bytes.hpp"
#include "listed.hpp"
#include "microtwin/lanes.hpp"
#include "simd.hpp"
#include "surface.hpp"

namespace microtwin {
namespace {

// An exchange changes the faces of two voxels and their neighbours, 14 in all: the hits of a lag
// change by less than 14 * 6 * 12, which 16 bits hold.
using Change = std::int16_t;

// Where the faces of a voxel at `at` grow by `faces`, the hits of surface_surface change by this.
MICROTWIN_CLONES void add_surface(const std::uint8_t* at, int faces, std::size_t lags,
                                  Change* change) {
    for (std::size_t j = 1; j <= lags; ++j) {
        const int both = faces_of(at[j]) + faces_of(*(at - j));
        change[j - 1] = static_cast<Change>(change[j - 1] + faces * both);
    }
}

// And where it also enters the phase (1) or leaves it (-1), those of surface_void by this.
MICROTWIN_CLONES void add_void(const std::uint8_t* at, int faces, int enters, std::size_t lags,
                               Change* change) {
    for (std::size_t j = 1; j <= lags; ++j) {
        const int both = faces_of(at[j]) + faces_of(*(at - j));
        const int mine = in_phase(at[j]) + in_phase(*(at - j));
        change[j - 1] = static_cast<Change>(change[j - 1] + faces * mine + enters * both);
    }
}

class SurfaceTerm final : public Term {
  public:
    SurfaceTerm(const LabelView& labels, std::vector<TargetCurve> targets, bool periodic);

    double difference(std::int64_t a, std::int64_t b) override;
    void commit() override;
    const std::vector<Curve>& curves() const override { return curves_; }

  private:
    struct Changed {
        std::int64_t voxel;
        Offset at;
        std::uint8_t before, after;
    };

    void note(std::int64_t voxel);
    void change_side(std::int64_t voxel);
    void look_along(LineBytes& lines, std::vector<Change>& change);

    Shape3 shape_;
    bool periodic_;
    Statistic statistic_;
    std::vector<Curve> curves_;
    std::vector<std::uint8_t> field_;  // see surface_field
    // Of each curve: the field along its direction, zero where a voxel is not the end of any pair.
    std::vector<LineBytes> lines_;
    // Of the exchange in hand.
    std::vector<Changed> changed_;
    std::vector<std::vector<Change>> changes_;  // of the hits of each curve, padded
    std::vector<std::int32_t> absorbed_;
};

SurfaceTerm::SurfaceTerm(const LabelView& labels, std::vector<TargetCurve> targets, bool periodic)
    : shape_(labels.shape), periodic_(periodic), statistic_(targets.at(0).statistic),
      field_(surface_field(labels, targets.at(0).phase, periodic)) {
    for (TargetCurve& target : targets) {
        for (const Curve& other : curves_)
            if (other.target().step == target.step)
                throw std::invalid_argument(
                    "two targets for the same statistic, phase and direction");
        const LineFrame frame(shape_, target.step, periodic);
        curves_.push_back(curve_of(std::move(target), labels, periodic));
        lines_.emplace_back(frame, static_cast<std::int64_t>(curves_.back().padded()), periodic);
        changes_.emplace_back(curves_.back().padded());
    }
    for (std::int64_t voxel = 0; voxel < shape_.size(); ++voxel) {
        const Offset at = offset_of(voxel, shape_);
        if (!has_all_neighbours(shape_, at, periodic_)) continue;
        for (LineBytes& lines : lines_)
            lines.set(lines.frame().spot(at), field_[static_cast<std::size_t>(voxel)]);
    }
}

void SurfaceTerm::note(std::int64_t voxel) {
    for (const Changed& known : changed_)
        if (known.voxel == voxel) return;
    const std::uint8_t before = field_[static_cast<std::size_t>(voxel)];
    changed_.push_back({voxel, offset_of(voxel, shape_), before, before});
}

// Each face of the voxel that was of the interface is no longer, and the others are.
void SurfaceTerm::change_side(std::int64_t voxel) {
    constexpr std::uint8_t kMine = 1u << kFaceBits;
    std::uint8_t& own = field_[static_cast<std::size_t>(voxel)];
    note(voxel);
    own ^= kMine;
    for_each_face(shape_, offset_of(voxel, shape_), periodic_, [&](std::int64_t neighbour) {
        note(neighbour);
        std::uint8_t& other = field_[static_cast<std::size_t>(neighbour)];
        const bool face = ((own ^ other) & kMine) != 0;
        other = static_cast<std::uint8_t>(face ? other + 1 : other - 1);
        own = static_cast<std::uint8_t>(face ? own + 1 : own - 1);
    });
}

double SurfaceTerm::difference(std::int64_t a, std::int64_t b) {
    changed_.clear();
    const auto mine = [&](std::int64_t voxel) {
        return in_phase(field_[static_cast<std::size_t>(voxel)]);
    };
    if (mine(a) == mine(b)) return 0.0;
    change_side(a);
    change_side(b);
    for (Changed& voxel : changed_) {
        std::uint8_t& now = field_[static_cast<std::size_t>(voxel.voxel)];
        voxel.after = std::exchange(now, voxel.before);
    }
    double sum = 0.0;
    for (std::size_t i = 0; i < curves_.size(); ++i) {
        look_along(lines_[i], changes_[i]);
        sum += energy_difference(curves_[i], changes_[i].data());
    }
    return sum;
}

// One voxel after the other, each of which sees those before it as they are going to be.
void SurfaceTerm::look_along(LineBytes& lines, std::vector<Change>& change) {
    std::fill(change.begin(), change.end(), Change{0});
    for (const Changed& voxel : changed_) {
        if (voxel.before == voxel.after || !has_all_neighbours(shape_, voxel.at, periodic_))
            continue;
        const Spot spot = lines.frame().spot(voxel.at);
        const int faces = faces_of(voxel.after) - faces_of(voxel.before);
        const int enters = in_phase(voxel.after) - in_phase(voxel.before);
        if (statistic_ == Statistic::surface_surface) {
            add_surface(lines.near(spot), faces, change.size(), change.data());
        } else {
            add_void(lines.near(spot), faces, enters, change.size(), change.data());
        }
        lines.set(spot, voxel.after);
    }
    for (const Changed& voxel : changed_)
        if (has_all_neighbours(shape_, voxel.at, periodic_))
            lines.set(lines.frame().spot(voxel.at), voxel.before);
}

void SurfaceTerm::commit() {
    if (changed_.empty()) return;
    for (std::size_t i = 0; i < curves_.size(); ++i) {
        const auto lags = static_cast<std::ptrdiff_t>(curves_[i].lags());
        absorbed_.assign(curves_[i].padded(), 0);  // beyond the lags nothing is to change
        std::copy(changes_[i].begin(), changes_[i].begin() + lags, absorbed_.begin());
        curves_[i].absorb(absorbed_.data());
    }
    for (const Changed& voxel : changed_) {
        field_[static_cast<std::size_t>(voxel.voxel)] = voxel.after;
        if (!has_all_neighbours(shape_, voxel.at, periodic_)) continue;
        for (LineBytes& lines : lines_) lines.set(lines.frame().spot(voxel.at), voxel.after);
    }
}

}  // namespace

std::unique_ptr<Term> make_surface_term(const LabelView& labels, std::vector<TargetCurve> targets,
                                        bool periodic) {
    return std::make_unique<SurfaceTerm>(labels, std::move(targets), periodic);
}

}  // namespace microtwin
