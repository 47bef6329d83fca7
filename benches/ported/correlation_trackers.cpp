// The annealer of CorrelationTrackers.jl 0.6.9 and MaterialReconstruction.jl 0.2.4, for timing.
//
// Written anew from how they work: a voxel is flipped by counting the lines through it before and
// after, for every function and direction; the differences are kept as a token, and a rejected swap
// is undone by taking the tokens back in reverse order. Two places are kinder than the original:
// S2 of a line is a plain sum over lags (at these lengths faster than its Fourier transform), and
// the cost before a swap is carried over instead of being computed again and checked.
//
// correlation_trackers FOLDER SIDES STATISTICS LAGS ENERGY BUDGET SEED SAMPLER COOLING
// reads FOLDER/start (uint8) and FOLDER/target (doubles: function, axis, lag from 1), writes
// FOLDER/labels, and prints energy, seconds and proposals.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Index = std::int64_t;
using Counts = std::vector<std::int32_t>;  // function, axis, lag: a change by one voxel is small

constexpr double kStartTemperature = 2e-5;  // of the original's example
// A voxel of n unlike neighbours weighs base^n. The user's choice: of 1.1, 1.3, 1.5 and 2 the best.
constexpr double kImageBase = 2.0, kVolumeBase = 1.3;
constexpr int kAartsSteps = 15;  // the original's defaults
constexpr double kAartsSpeed = 0.01;

template <class T>
std::vector<T> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw std::runtime_error("cannot read " + path);
    std::vector<T> data(static_cast<std::size_t>(file.tellg()) / sizeof(T));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(data.data()),
              static_cast<std::streamsize>(data.size() * sizeof(T)));
    return data;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
    return parts;
}

class Random {
  public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    Index below(Index n) {
        return static_cast<Index>(
            static_cast<unsigned __int128>(engine_()) * static_cast<std::uint64_t>(n) >> 64);
    }
    double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  private:
    std::mt19937_64 engine_;
};

// A structure of three sides (an image has one of length 1, which is no axis of it).
struct Structure {
    std::array<Index, 3> sides, strides;
    std::vector<int> axes;
    std::vector<std::uint8_t> labels;

    Index size() const { return static_cast<Index>(labels.size()); }
    std::uint8_t at(Index voxel) const { return labels[static_cast<std::size_t>(voxel)]; }
    Index along(Index voxel, int axis) const { return voxel / strides[axis] % sides[axis]; }
};

// Counts of each function along each axis, kept up to date under flips.
class Tracker {
  public:
    struct Token {
        Index voxel;
        std::uint8_t label;
        Counts change;
    };

    Tracker(Structure structure, std::vector<std::string> functions, int lags)
        : structure_(std::move(structure)), functions_(std::move(functions)), lags_(lags),
          hits_(functions_.size() * structure_.axes.size() * static_cast<std::size_t>(lags)),
          before_(hits_.size()), line_(2 * *std::ranges::max_element(structure_.sides)) {
        for (std::size_t a = 0; a < structure_.axes.size(); ++a)
            for (Index voxel = 0; voxel < structure_.size(); ++voxel)
                if (structure_.along(voxel, structure_.axes[a]) == 0)
                    count_line(voxel, a, hits_.data());
    }

    const Structure& structure() const { return structure_; }

    void set(Index voxel, std::uint8_t label, Token& token) {
        token.voxel = voxel;
        token.label = structure_.at(voxel);
        count_lines(voxel, before_);
        structure_.labels[static_cast<std::size_t>(voxel)] = label;
        count_lines(voxel, token.change);
        for (std::size_t i = 0; i < hits_.size(); ++i) {
            token.change[i] -= before_[i];
            hits_[i] += token.change[i];
        }
    }

    void roll_back(const Token& token) {
        for (std::size_t i = 0; i < hits_.size(); ++i) hits_[i] -= token.change[i];
        structure_.labels[static_cast<std::size_t>(token.voxel)] = token.label;
    }

    double cost(const std::vector<double>& target) const {
        const double scale = 1.0 / static_cast<double>(structure_.size());
        double sum = 0.0;
        for (std::size_t i = 0; i < hits_.size(); ++i) {
            const double error = hits_[i] * scale - target[i];
            sum += error * error;
        }
        return sum;
    }

  private:
    void count_lines(Index voxel, Counts& counts) {
        counts.assign(hits_.size(), 0);
        for (std::size_t a = 0; a < structure_.axes.size(); ++a)
            count_line(voxel, a, counts.data());
    }

    // Adds the counts of the line along an axis through a voxel.
    void count_line(Index voxel, std::size_t a, std::int32_t* counts) {
        const int axis = structure_.axes[a];
        const Index n = structure_.sides[axis], stride = structure_.strides[axis];
        const Index first = voxel - structure_.along(voxel, axis) * stride;
        for (Index x = 0; x < n; ++x) line_[x] = structure_.at(first + x * stride);
        std::copy_n(line_.begin(), n, line_.begin() + n);  // twice over: lags need not wrap
        for (std::size_t f = 0; f < functions_.size(); ++f) {
            std::int32_t* row = counts + (f * structure_.axes.size() + a) * lags_;
            if (functions_[f] == "two_point")
                count_pairs(n, row);
            else
                count_paths(n, row);
        }
    }

    void count_pairs(Index n, std::int32_t* row) const {
        const std::uint8_t* line = line_.data();
        for (int lag = 1; lag <= lags_; ++lag) {
            std::int32_t sum = 0;
            for (Index x = 0; x < n; ++x) sum += line[x] & line[x + lag];
            row[lag - 1] += sum;
        }
    }

    // A run of m voxels holds m - lag paths; the run at the end goes on at the beginning.
    void count_paths(Index n, std::int32_t* row) const {
        const auto* line = line_.data();
        const Index zero = std::find(line, line + n, 0) - line;
        if (zero == n) {
            for (int lag = 1; lag <= lags_; ++lag) row[lag - 1] += static_cast<std::int32_t>(n);
            return;
        }
        Index run = 0;
        for (Index x = zero + 1; x <= zero + n; ++x) {
            if (line[x]) {
                ++run;
                continue;
            }
            for (Index lag = 1; lag <= lags_ && lag < run; ++lag)
                row[lag - 1] += static_cast<std::int32_t>(run - lag);
            run = 0;
        }
    }

    Structure structure_;
    std::vector<std::string> functions_;
    int lags_;
    Counts hits_, before_;
    std::vector<std::uint8_t> line_;
};

// Picks voxels; the neighbourhoods of 3^d voxels do not wrap, as in the original.
class Sampler {
  public:
    Sampler(std::string kind, const Structure& structure, Random& random)
        : kind_(std::move(kind)), structure_(structure), random_(random) {
        for (Index voxel = 0; voxel < structure.size() && kind_ == "neighbours"; ++voxel)
            ++histogram_[unlike(voxel)];
    }

    Index pick() {
        if (kind_ == "uniform") return random_.below(structure_.size());
        return kind_ == "interface" ? pick_at_interface() : pick_by_neighbours();
    }

    // To be called before and after each flip.
    void leave(Index voxel) { update(voxel, -1); }
    void enter(Index voxel) { update(voxel, +1); }

  private:
    template <class Visit>
    void neighbourhood(Index voxel, const Visit& visit) const {
        std::array<Index, 3> low, high;
        for (int axis = 0; axis < 3; ++axis) {
            const Index x = structure_.along(voxel, axis);
            low[axis] = -(x > 0) * structure_.strides[axis];
            high[axis] = (x + 1 < structure_.sides[axis]) * structure_.strides[axis];
        }
        const auto& step = structure_.strides;
        for (Index z = low[0]; z <= high[0]; z += step[0])
            for (Index y = low[1]; y <= high[1]; y += step[1])
                for (Index x = low[2]; x <= high[2]; x += step[2]) visit(voxel + z + y + x);
    }

    std::size_t unlike(Index voxel) const {
        std::size_t count = 0;
        const auto label = structure_.at(voxel);
        neighbourhood(voxel, [&](Index other) { count += structure_.at(other) != label; });
        return count;
    }

    void update(Index voxel, int sign) {
        if (kind_ != "neighbours") return;
        neighbourhood(voxel, [&](Index other) { histogram_[unlike(other)] += sign; });
    }

    Index pick_by_neighbours() {
        std::array<double, 27> sums;
        const double base = structure_.axes.size() == 2 ? kImageBase : kVolumeBase;
        double sum = 0.0, weight = 1.0;
        for (std::size_t n = 0; n < sums.size(); ++n, weight *= base)
            sums[n] = sum += weight * static_cast<double>(histogram_[n]);
        const double mark = random_.uniform() * sum;
        const auto n =
            static_cast<std::size_t>(std::ranges::upper_bound(sums, mark) - sums.begin());
        for (;;) {
            const Index voxel = random_.below(structure_.size());
            if (unlike(voxel) == n) return voxel;
        }
    }

    // The first voxel of another phase on a ray from a random one.
    Index pick_at_interface() {
        constexpr double pi = 3.14159265358979323846;
        const auto dimensions = static_cast<double>(structure_.axes.size());
        for (;;) {
            const Index from = random_.below(structure_.size());
            const double turn = 2 * pi * random_.uniform(), rise = pi * (random_.uniform() - 0.5);
            const bool flat = structure_.axes.size() == 2;
            const std::array<double, 3> way{flat ? 0.0 : std::sin(rise),
                                            std::sin(turn) * (flat ? 1.0 : std::cos(rise)),
                                            std::cos(turn) * (flat ? 1.0 : std::cos(rise))};
            for (double r = 0.1 + std::sqrt(dimensions);; r += std::sqrt(dimensions)) {
                Index voxel = 0;
                bool inside = true;
                for (int axis = 0; axis < 3; ++axis) {
                    const auto x = structure_.along(from, axis) +
                                   static_cast<Index>(std::floor(r * way[axis]));
                    inside &= x >= 0 && x < structure_.sides[axis];
                    voxel += x * structure_.strides[axis];
                }
                if (!inside) break;
                if (structure_.at(voxel) != structure_.at(from)) return voxel;
            }
        }
    }

    std::string kind_;
    const Structure& structure_;
    Random& random_;
    std::array<Index, 27> histogram_{};
};

// Aarts and Korst's cooling: slower where the cost still fluctuates.
class Cooling {
  public:
    explicit Cooling(const std::string& kind)
        : temperature_(kind == "greedy" ? 0.0 : kStartTemperature) {}

    double temperature() const { return temperature_; }

    void accepted(double cost) {
        if (temperature_ == 0.0) return;
        costs_[count_++] = cost;
        if (count_ < kAartsSteps) return;
        count_ = 0;
        double mean = 0.0, squares = 0.0;
        for (const double c : costs_) mean += c / kAartsSteps;
        for (const double c : costs_) squares += (c - mean) * (c - mean);
        const double spread = std::sqrt(squares / (kAartsSteps - 1));
        temperature_ *= spread / (spread + kAartsSpeed * temperature_);
    }

  private:
    double temperature_;
    std::array<double, kAartsSteps> costs_{};
    std::size_t count_ = 0;
};

Structure load(const std::string& path, const std::vector<std::string>& sides) {
    Structure structure;
    structure.sides = {1, 1, 1};
    const int first = 3 - static_cast<int>(sides.size());
    for (int axis = first; axis < 3; ++axis) {
        structure.sides[axis] = std::stoll(sides[static_cast<std::size_t>(axis - first)]);
        structure.axes.push_back(axis);
    }
    const auto& n = structure.sides;
    structure.strides = {n[1] * n[2], n[2], 1};
    structure.labels = read<std::uint8_t>(path);
    if (structure.size() != n[0] * n[1] * n[2]) throw std::runtime_error("start has another size");
    return structure;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 10) throw std::runtime_error("nine arguments, see above");
    const std::string folder = argv[1];
    const double energy = std::stod(argv[5]), budget = std::stod(argv[6]);
    const auto target = read<double>(folder + "/target");
    auto structure = load(folder + "/start", split(argv[2]));
    Random random(std::stoull(argv[7]));

    using Clock = std::chrono::steady_clock;
    const auto begun = Clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(Clock::now() - begun).count();
    };
    Tracker tracker(std::move(structure), split(argv[3]), std::stoi(argv[4]));
    Sampler sampler(argv[8], tracker.structure(), random);
    Cooling cooling(argv[9]);
    Tracker::Token first, second;
    const auto flip = [&](Index voxel, std::uint8_t label, Tracker::Token& token) {
        sampler.leave(voxel);
        tracker.set(voxel, label, token);
        sampler.enter(voxel);
    };
    const auto undo = [&](const Tracker::Token& token) {
        sampler.leave(token.voxel);
        tracker.roll_back(token);
        sampler.enter(token.voxel);
    };

    double cost = tracker.cost(target);
    Index proposals = 0;
    while (cost > energy && (proposals % 64 != 0 || seconds() < budget)) {
        const Index p = sampler.pick();
        Index q = sampler.pick();
        while (tracker.structure().at(p) == tracker.structure().at(q)) q = sampler.pick();
        const auto a = tracker.structure().at(p), b = tracker.structure().at(q);
        flip(p, b, first);
        flip(q, a, second);
        const double after = tracker.cost(target);
        ++proposals;
        if (after > cost && random.uniform() > std::exp((cost - after) / cooling.temperature())) {
            undo(second);
            undo(first);
        } else {
            cost = after;
            cooling.accepted(cost);
        }
    }
    const double taken = seconds();

    const auto& labels = tracker.structure().labels;
    std::ofstream(folder + "/labels", std::ios::binary)
        .write(reinterpret_cast<const char*>(labels.data()),
               static_cast<std::streamsize>(labels.size()));
    std::printf("{\"energy\": %.17g, \"seconds\": %.6f, \"proposals\": %lld}\n", cost, taken,
                static_cast<long long>(proposals));
}
