#include "voxel_network.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "microtwin/components.hpp"
#include "microtwin/parallel.hpp"

namespace microtwin {
namespace {

// Disjoint sets of clusters that the edges of a structure join.
class Sets {
  public:
    explicit Sets(std::size_t count) : parent_(count) {
        std::iota(parent_.begin(), parent_.end(), std::int32_t{0});
    }
    std::int32_t of(std::int32_t i) {
        while (parent_[index(i)] != i) i = parent_[index(i)] = parent_[index(parent_[index(i)])];
        return i;
    }
    void join(std::int32_t a, std::int32_t b) {
        a = of(a), b = of(b);
        parent_[index(std::max(a, b))] = std::min(a, b);
    }

  private:
    static std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }
    std::vector<std::int32_t> parent_;
};

class Builder {
  public:
    Builder(const TransportProblem& problem, int threads)
        : problem_(problem), threads_(threads), shape_(problem.labels.shape) {
        const auto& k = problem.conductivities;
        unit_ = *std::max_element(k.begin(), k.end());
        net_.unit = unit_ > 0 ? unit_ : 1;
        net_.rows = {shape_, (shape_[2] + 15) / 16 * 16};
    }

    VoxelNetwork build() {
        const std::size_t axis = net_.axis = static_cast<std::size_t>(problem_.axis);
        const auto area = static_cast<double>(shape_.size() / shape_[problem_.axis]);
        const auto length = static_cast<double>(shape_[problem_.axis]);
        if (problem_.boundary == Boundary::periodic) {
            net_.gradient[axis] = 1;
            net_.scale = net_.flow_scale = 1 / (area * length);
        } else {
            net_.scale = (problem_.boundary == Boundary::face ? length : length - 1) / area;
            net_.flow_scale = 1 / area;
        }
        if (unit_ == 0) return std::move(net_);
        find_contacts();
        keep_what_percolates();
        net_.connected = net_.solved;
        if (problem_.boundary == Boundary::centre && net_.percolates()) count_planes();
        if (net_.solved == 0) return std::move(net_);
        join_voxels();
        join_seams();
        invert();
        return std::move(net_);
    }

  private:
    bool held(std::int64_t along) const {
        return problem_.boundary == Boundary::centre &&
               (along == 0 || along == shape_[problem_.axis] - 1);
    }
    double conductivity(std::uint8_t label) const {
        return problem_.conductivities[label] / net_.unit;
    }
    static double in_series(double a, double b) { return a + b > 0 ? 2 * a * b / (a + b) : 0; }

    // Calls visit(voxel of the labels, voxel of the padded rows) in the plane at `along`.
    template <class Visit>
    void plane(int axis, std::int64_t along, Visit&& visit) const {
        Shape3 part = shape_;
        part.sides[static_cast<std::size_t>(axis)] = 1;
        for (std::int64_t i = 0; i < part.size(); ++i) {
            Offset at = offset_of(i, part);
            at[static_cast<std::size_t>(axis)] = along;
            visit((at[0] * shape_[1] + at[1]) * shape_[2] + at[2],
                  net_.rows.at(at[0], at[1], at[2]));
        }
    }

    std::int64_t step(int axis) const {
        return axis == 2 ? 1 : axis == 1 ? shape_[2] : shape_[2] * shape_[1];
    }

    void find_contacts() {
        if (problem_.boundary == Boundary::periodic) return;
        const int axis = problem_.axis;
        const std::int64_t last = shape_[axis] - 1;
        const std::uint8_t* labels = problem_.labels.data;
        const auto add = [&](std::int64_t along, std::int64_t from, float potential) {
            plane(axis, along, [&](std::int64_t voxel, std::int64_t padded) {
                const double own = conductivity(labels[voxel]);
                const double g =
                    from == along
                        ? 2 * own
                        : in_series(own, conductivity(labels[voxel + (from - along) * step(axis)]));
                if (g > 0) {
                    net_.contacts.push_back({padded, static_cast<float>(g), potential});
                    contacts_.push_back(voxel);
                }
            });
        };
        if (problem_.boundary == Boundary::face) {
            add(0, 0, 1);
            add(last, last, 0);
        } else if (last > 1) {
            add(1, 0, 1);
            add(last - 1, last, 0);
        } else if (last == 1) {
            plane(axis, 0, [&](std::int64_t voxel, std::int64_t) {
                net_.direct += in_series(conductivity(labels[voxel]),
                                         conductivity(labels[voxel + step(axis)]));
            });
        }
    }

    // Numbers the conductivities that occur; 0 is given to what does not percolate.
    void keep_what_percolates() {
        const std::int64_t size = shape_.size();
        const std::uint8_t* labels = problem_.labels.data;
        classes_.assign(static_cast<std::size_t>(size), 0);
        const int axis = problem_.axis;
        const std::int64_t along = step(axis), side = shape_[axis];
        parallel_ranges(size, worthwhile(threads_, static_cast<double>(size)), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t i = begin; i < end; ++i)
                                classes_[index(i)] = problem_.conductivities[labels[i]] > 0;
                        });
        if (problem_.boundary == Boundary::centre)
            for (std::int64_t i = 0; i < size; ++i)
                if (held(i / along % side)) classes_[index(i)] = 0;
        std::vector<std::int32_t> image(static_cast<std::size_t>(size));
        const bool periodic = problem_.boundary == Boundary::periodic;
        const Clusters clusters = find_clusters(
            {classes_.data(), shape_}, 1, {Neighbours::face, periodic, threads_}, image.data());
        const std::vector<std::uint8_t> kept =
            periodic ? winding(clusters) : reaching(clusters, image);
        std::array<std::uint8_t, 256> numbers{};
        values_ = {0};
        for (std::size_t label = 0; label < 256; ++label)
            if (const double k = conductivity(static_cast<std::uint8_t>(label)); k > 0) {
                const auto found = std::find(values_.begin(), values_.end(), k);
                numbers[label] = static_cast<std::uint8_t>(found - values_.begin());
                if (found == values_.end()) values_.push_back(k);
            }
        const auto counts = parallel_ranges(
            size, worthwhile(threads_, static_cast<double>(size)), std::int64_t{0},
            [&](std::int64_t begin, std::int64_t end, std::int64_t& count) {
                for (std::int64_t i = begin; i < end; ++i) {
                    const bool keep = kept[index(image[index(i)])] != 0;
                    classes_[index(i)] = keep ? numbers[labels[i]] : std::uint8_t{0};
                    count += keep;
                }
            });
        net_.solved = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
        drop_contacts();
    }

    // Planes of fixed values are no unknowns, but no less connected; between faces they are both.
    void count_planes() {
        TransportProblem faces = problem_;
        faces.boundary = Boundary::face;
        Builder between(faces, threads_);
        between.find_contacts();
        between.keep_what_percolates();
        net_.connected = between.net_.solved;
        net_.leads = std::move(between.classes_);
    }

    std::vector<std::uint8_t> winding(const Clusters& clusters) const {
        std::vector<std::uint8_t> kept{0};
        for (const auto& axes : clusters.percolates)
            kept.push_back(axes[static_cast<std::size_t>(problem_.axis)]);
        return kept;
    }

    // Which clusters are joined to both ends, going around the sides where these are periodic.
    std::vector<std::uint8_t> reaching(const Clusters& clusters,
                                       const std::vector<std::int32_t>& image) const {
        Sets sets(clusters.sizes.size() + 1);
        for (int axis = 0; axis < 3; ++axis) {
            if (axis == problem_.axis || !problem_.periodic_sides) continue;
            const std::int64_t across = (shape_[axis] - 1) * step(axis);
            plane(axis, 0, [&](std::int64_t voxel, std::int64_t) {
                const std::int32_t a = image[index(voxel)], b = image[index(voxel + across)];
                if (a > 0 && b > 0) sets.join(a, b);
            });
        }
        std::vector<std::array<bool, 2>> reached(clusters.sizes.size() + 1);
        std::vector<std::uint8_t> kept(reached.size(), 0);
        for (std::size_t i = 0; i < contacts_.size(); ++i)
            if (const std::int32_t cluster = image[index(contacts_[i])]; cluster > 0)
                reached[index(sets.of(cluster))].at(net_.contacts[i].potential > 0 ? 0 : 1) = true;
        for (std::size_t k = 1; k < kept.size(); ++k) {
            const auto& both = reached[index(sets.of(static_cast<std::int32_t>(k)))];
            kept[k] = both[0] && both[1];
        }
        return kept;
    }

    void drop_contacts() {
        std::vector<Contact> left;
        for (std::size_t i = 0; i < contacts_.size(); ++i)
            if (classes_[index(contacts_[i])] != 0) left.push_back(net_.contacts[i]);
        net_.contacts = std::move(left);
    }

    // The class that a conductivity has times how many there are: rows of a table of conductances.
    void join_voxels() {
        const std::size_t count = values_.size();
        std::vector<float> table(count * count);
        for (std::size_t a = 0; a < count; ++a)
            for (std::size_t b = 0; b < count; ++b)
                table[a * count + b] = static_cast<float>(in_series(values_[a], values_[b]));
        const RowShape& rows = net_.rows;
        const std::int64_t room = rows.stride(0) + 16;
        for (auto& part : net_.conductance) part = Padded<float>(rows.size(), room);
        net_.inverse = Padded<float>(rows.size(), room);
        const auto work = static_cast<double>(rows.size());
        parallel_ranges(rows.rows(), worthwhile(threads_, 3 * work), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t row = begin; row < end; ++row)
                                join_row(row, table, count);
                        });
    }

    void join_row(std::int64_t row, const std::vector<float>& table, std::size_t count) {
        const std::int64_t z = row / shape_[1], y = row % shape_[1], nx = shape_[2];
        const std::uint8_t* own = classes_.data() + row * nx;
        const std::int64_t at = row * net_.rows.width;
        float* along_x = net_.conductance[2].data() + at;
        for (std::int64_t x = 0; x + 1 < nx; ++x) along_x[x] = table[own[x] * count + own[x + 1]];
        for (const int axis : {0, 1}) {
            if ((axis == 0 ? z : y) + 1 >= shape_[axis]) continue;
            const std::uint8_t* other = own + step(axis);
            float* along = net_.conductance[static_cast<std::size_t>(axis)].data() + at;
            for (std::int64_t x = 0; x < nx; ++x) along[x] = table[own[x] * count + other[x]];
        }
    }

    void join_seams() {
        for (int axis = 0; axis < 3; ++axis) {
            const bool around = problem_.boundary == Boundary::periodic ||
                                (problem_.periodic_sides && axis != problem_.axis);
            // Along an axis of one voxel nothing flows around, but in an imposed gradient.
            if (!around ||
                (shape_[axis] == 1 && net_.gradient[static_cast<std::size_t>(axis)] == 0))
                continue;
            const std::int64_t across = (shape_[axis] - 1) * step(axis);
            const std::int64_t padded_across = (shape_[axis] - 1) * net_.rows.stride(axis);
            plane(axis, 0, [&](std::int64_t voxel, std::int64_t padded) {
                const double g = in_series(values_[classes_[index(voxel + across)]],
                                           values_[classes_[index(voxel)]]);
                if (g > 0)
                    net_.seams.push_back(
                        {padded + padded_across, padded, static_cast<float>(g), axis});
            });
        }
    }

    void invert() {
        const RowShape& rows = net_.rows;
        float* sum = net_.inverse.data();
        for (const Contact& contact : net_.contacts) sum[contact.voxel] += contact.conductance;
        for (const Seam& seam : net_.seams) {
            if (seam.last == seam.first) continue;
            sum[seam.last] += seam.conductance;
            sum[seam.first] += seam.conductance;
        }
        const float *gz = net_.conductance[0].data(), *gy = net_.conductance[1].data(),
                    *gx = net_.conductance[2].data();
        const std::int64_t sz = rows.stride(0), sy = rows.stride(1);
        const auto work = static_cast<double>(rows.size());
        parallel_ranges(rows.size(), worthwhile(threads_, work), 0,
                        [&](std::int64_t begin, std::int64_t end, int&) {
                            for (std::int64_t q = begin; q < end; ++q) {
                                const float all = sum[q] + gz[q] + gz[q - sz] + gy[q] + gy[q - sy] +
                                                  gx[q] + gx[q - 1];
                                sum[q] = all > 0 ? 1 / all : 0;
                            }
                        });
    }

    static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

    const TransportProblem& problem_;
    int threads_;
    Shape3 shape_;
    double unit_;
    VoxelNetwork net_;
    std::vector<std::int64_t> contacts_;  // voxels of the labels, as in net_.contacts
    std::vector<std::uint8_t> classes_;   // of each voxel
    std::vector<double> values_;          // conductivity of each class
};

}  // namespace

VoxelNetwork voxel_network(const TransportProblem& problem, int threads) {
    return Builder(problem, threads).build();
}

}  // namespace microtwin
