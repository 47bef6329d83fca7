// Where the equations of a network are solved, if not by the processor's threads.
//
// Whatever comes back only changes the potential: the interval of the answer is told from that by
// the core, so that a wrong potential makes it wide, not wrong.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>

#include "multigrid.hpp"

namespace microtwin {

class Relief {
  public:
    struct Gain {
        int iterations = 0;
        double left = 0;  // error of the energy, about
    };
    // How far to go: until so much is left of the energy, or so many iterations were made.
    struct Aim {
        double left;
        int iterations;
        std::function<void(int iterations, double left)> poll;
    };

    virtual ~Relief() = default;
    // The potential that currents drive, about; both in padded rows.
    virtual Gain solve(const float* currents, float* potential, const Aim& aim) = 0;
};

using MakeRelief = std::function<std::unique_ptr<Relief>(const VoxelNetwork&, const Multigrid&)>;

// As solve_transport, with the iterations made by another.
Transport solve_transport(const TransportProblem& problem, const TransportOptions& options,
                          float* potential, const MakeRelief& make_relief);

// An estimate of how much conjugate gradients will still gain, from what they gained lately.
class Outlook {
  public:
    double left(double gained) {
        const double ratio = last_ > 0 ? std::min(gained / last_, 0.9) : 0.9;
        faster_ = std::max(ratio, 0.5 * faster_);
        last_ = gained;
        return gained * faster_ / (1 - faster_);
    }
    void forget() { last_ = 0; }

  private:
    double last_ = 0, faster_ = 0;
};

}  // namespace microtwin
