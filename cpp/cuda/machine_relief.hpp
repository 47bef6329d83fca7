// Conjugate gradients with the core's V-cycle on some machine: a GPU, or for tests this processor.
//
// A machine has a Buffer<T>(count) of memory with data(), upload(from, count) and download(into,
// count), which is all zero at first, and run(count, work), which calls work(i) for every i.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <vector>

#include "network.hpp"
#include "relief.hpp"

namespace microtwin::cuda {

template <class Machine>
class MachineRelief : public Relief {
  public:
    MachineRelief(const VoxelNetwork& net, const Multigrid& grids)
        : net_(net), room_(net.rows.stride(0) + 16), all_(net.rows.size() + 2 * room_),
          gz_(padded(net.conductance[0])), gy_(padded(net.conductance[1])),
          gx_(padded(net.conductance[2])), inverse_(padded(net.inverse)),
          part_(padded(grids.parts().part)), edges_(joins_of(net)),
          around_{Listed(grids.around(0)), Listed(grids.around(1))},
          gathered_(to_parts(grids.around(0), grids.parts().part)), u_(all_), direction_(all_),
          driven_(all_), r_(all_), z_(all_), sums_(kSums + kFewSums + 1) {
        for (const CoarseGraph& graph : grids.graphs()) levels_.emplace_back(graph);
        blocks_ = grids.graphs().front().blocks;
        if (const DenseNetwork& dense = grids.coarsest(); dense.size() > 0) {
            const std::size_t n = dense.size();
            std::vector<double> inverse(n * n, 0.0);
            for (std::size_t i = 0; i < n; ++i) {
                inverse[i * n + i] = 1;
                dense.solve(inverse.data() + i * n);
            }
            dense_ = std::make_unique<Buffer<double>>(std::ssize(inverse));
            dense_->upload(inverse.data(), std::ssize(inverse));
        }
    }

    Gain solve(const float* currents, float* potential, const Aim& aim) override {
        r_.upload(currents - room_, all_);
        for (Buffer<float>* one : {&u_, &direction_, &driven_, &z_})
            machine_.run(all_, Clear<float>{one->data()});
        Gain gain;
        Outlook outlook;
        double before = 0;
        while (gain.iterations < aim.iterations) {
            if (aim.poll) aim.poll(gain.iterations, gain.left);
            cycle();
            const double rz = dot(r_, z_);
            if (!(rz > 0)) break;
            const auto beta = static_cast<float>(before > 0 ? rz / before : 0);
            before = rz;
            run(TurnTo{beta, at(z_), at(direction_)});
            run(Drive{voxels(), at(direction_), at(driven_)});
            machine_.run(edges_.count(), DriveAround{edges_.view(), at(direction_), at(driven_)});
            const double work = dot(direction_, driven_);
            if (!(work > 0)) break;
            const double alpha = rz / work;
            run(Advance{static_cast<float>(alpha), at(direction_), at(driven_), at(u_), at(r_)});
            ++gain.iterations;
            gain.left = outlook.left(alpha * rz);
            if (gain.left < aim.left) break;
        }
        u_.download(potential - room_, all_);
        return gain;
    }

    // z from r: one V-cycle, as Multigrid::cycle.
    void cycle() {
        run(BeginVoxel{voxels(), at(r_), at(z_)});
        relax(1);
        const std::int64_t nz = net_.rows.shape[0], nx = net_.rows.shape[2];
        machine_.run(blocks_.size(), GatherVoxels{voxels(), nz, nx, blocks_[1], blocks_[2],
                                                  at(part_), levels_.front().view().first, at(z_),
                                                  levels_.front().currents()});
        machine_.run(gathered_.count(),
                     GatherAround{gathered_.view(), at(z_), levels_.front().currents()});
        cycle_graphs();
        run(SpreadVoxel{voxels(), at(part_), levels_.front().potentials(), at(z_)});
        relax(1);
        relax(0);
    }

  private:
    template <class T>
    using Buffer = typename Machine::template Buffer<T>;

    static constexpr std::int64_t kSums = std::int64_t{1} << 16, kFewSums = 256;

    template <class T>
    static std::unique_ptr<Buffer<T>> copy(const std::vector<T>& values) {
        auto buffer = std::make_unique<Buffer<T>>(std::max<std::int64_t>(std::ssize(values), 1));
        buffer->upload(values.data(), std::ssize(values));
        return buffer;
    }

    // Edges with those to one voxel beside each other, in the order they came in.
    class Listed {
      public:
        explicit Listed(const std::vector<Multigrid::Around>& edges) {
            std::map<std::int64_t, std::vector<Multigrid::Around>> sorted;
            for (const auto& edge : edges) sorted[edge.to].push_back(edge);
            std::vector<std::int64_t> to, begin{0}, from;
            std::vector<float> conductance;
            for (const auto& [where, list] : sorted) {
                to.push_back(where);
                for (const auto& edge : list) {
                    from.push_back(edge.from);
                    conductance.push_back(edge.conductance);
                }
                begin.push_back(std::ssize(from));
            }
            count_ = std::ssize(to);
            to_ = copy(to);
            begin_ = copy(begin);
            from_ = copy(from);
            conductance_ = copy(conductance);
        }
        std::int64_t count() const { return count_; }
        Joins view() const {
            return {to_->data(), begin_->data(), from_->data(), conductance_->data(), count_};
        }

      private:
        std::int64_t count_ = 0;
        std::unique_ptr<Buffer<std::int64_t>> to_, begin_, from_;
        std::unique_ptr<Buffer<float>> conductance_;
    };

    // A network of parts with its currents and potentials.
    class Level {
      public:
        explicit Level(const CoarseGraph& graph)
            : size_(graph.size()), blocks_(graph.blocks.size()), colours_(graph.colours),
              first_(copy(graph.first)), parent_(copy(graph.parent)), member_(copy(graph.member)),
              neighbour_(copy(graph.neighbour)), colour_(copy(graph.colour)),
              begin_(copy(graph.begin)), near_(copy(graph.near)),
              member_begin_(copy(graph.member_begin)), conductance_(copy(graph.conductance)),
              diagonal_(copy(graph.diagonal)),
              currents_(std::make_unique<Buffer<float>>(std::max<std::int64_t>(size_, 1))),
              potentials_(std::make_unique<Buffer<float>>(std::max<std::int64_t>(size_, 1))) {}

        Parts view() const {
            return {first_->data(),       parent_->data(),   member_->data(), neighbour_->data(),
                    colour_->data(),      begin_->data(),    near_->data(),   member_begin_->data(),
                    conductance_->data(), diagonal_->data(), size_,           blocks_};
        }
        std::int64_t size() const { return size_; }
        int colours() const { return colours_; }
        float* currents() { return currents_->data(); }
        float* potentials() { return potentials_->data(); }

      private:
        std::int64_t size_, blocks_;
        int colours_;
        std::unique_ptr<Buffer<std::int32_t>> first_, parent_, member_, neighbour_;
        std::unique_ptr<Buffer<std::uint8_t>> colour_;
        std::unique_ptr<Buffer<std::int64_t>> begin_, near_, member_begin_;
        std::unique_ptr<Buffer<float>> conductance_, diagonal_, currents_, potentials_;
    };

    // Contacts with what is held, and seams both ways.
    static Listed joins_of(const VoxelNetwork& net) {
        std::vector<Multigrid::Around> edges;
        for (const Contact& contact : net.contacts)
            edges.push_back({contact.voxel, -1, contact.conductance});
        for (const Seam& seam : net.seams) {
            if (seam.last == seam.first) continue;
            edges.push_back({seam.last, seam.first, seam.conductance});
            edges.push_back({seam.first, seam.last, seam.conductance});
        }
        return Listed(edges);
    }

    static Listed to_parts(const std::vector<Multigrid::Around>& edges,
                           const Padded<std::int32_t>& part) {
        std::vector<Multigrid::Around> parts = edges;
        for (auto& edge : parts) edge.to = part[edge.to];
        return Listed(parts);
    }

    template <class T>
    Buffer<T> padded(const Padded<T>& values) const {
        Buffer<T> buffer(all_);
        buffer.upload(values.data() - room_, all_);
        return buffer;
    }
    template <class T>
    T* at(Buffer<T>& buffer) const {
        return buffer.data() + room_;
    }

    Voxels voxels() {
        const RowShape& rows = net_.rows;
        return {at(gz_),    at(gy_),        at(gx_),        at(inverse_), rows.size(),
                rows.width, rows.stride(0), rows.stride(1), rows.shape[1]};
    }

    template <class Work>
    void run(const Work& work) {
        machine_.run(net_.rows.size(), work);
    }

    void relax(int colour) {
        run(RelaxVoxel{voxels(), colour, at(r_), at(z_)});
        const Listed& around = around_[static_cast<std::size_t>(colour)];
        machine_.run(around.count(), RelaxAround{around.view(), at(inverse_), at(z_)});
    }

    void cycle_graphs() {
        const std::size_t last = levels_.size() - 1;
        for (std::size_t l = 0; l < last; ++l) {
            Level &level = levels_[l], &next = levels_[l + 1];
            machine_.run(level.size(), Clear<float>{level.potentials()});
            for (int colour = 0; colour < level.colours(); ++colour) relax(level, colour, true);
            machine_.run(next.size(), GatherParts{level.view(), next.view(), level.currents(),
                                                  level.potentials(), next.currents()});
        }
        Level& coarsest = levels_[last];
        machine_.run(coarsest.size(),
                     SolveCoarsest{coarsest.view(), dense_ ? dense_->data() : nullptr,
                                   coarsest.currents(), coarsest.potentials()});
        for (std::size_t l = last; l-- > 0;) {
            Level& level = levels_[l];
            machine_.run(level.size(),
                         SpreadPart{level.view(), levels_[l + 1].potentials(), level.potentials()});
            for (int colour = level.colours(); colour-- > 0;) relax(level, colour, false);
        }
    }

    void relax(Level& level, int colour, bool forwards) {
        const Parts view = level.view();
        machine_.run(view.blocks,
                     RelaxBlock{view, colour, forwards, level.currents(), level.potentials()});
    }

    double dot(Buffer<float>& a, Buffer<float>& b) {
        double *many = sums_.data(), *few = many + kSums, *one = few + kFewSums;
        machine_.run(kSums, PartialDot{at(a), at(b), net_.rows.size(), kSums, many});
        machine_.run(kFewSums, PartialSum{many, kSums, kFewSums, few});
        machine_.run(1, PartialSum{few, kFewSums, 1, one});
        return machine_.read(one);
    }

    const VoxelNetwork& net_;
    std::int64_t room_, all_;
    Machine machine_;
    Buffer<float> gz_, gy_, gx_, inverse_;
    Buffer<std::int32_t> part_;
    Listed edges_;
    std::array<Listed, 2> around_;
    Listed gathered_;
    Buffer<float> u_, direction_, driven_, r_, z_;
    Buffer<double> sums_;
    std::vector<Level> levels_;
    Shape3 blocks_;
    std::unique_ptr<Buffer<double>> dense_;
};

}  // namespace microtwin::cuda
