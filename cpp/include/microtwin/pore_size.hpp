// How far the voxels of a phase are from its interface: exact counts.
//
// S. Torquato, Random Heterogeneous Materials (2002), section 2.6.
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

// What is known of the voxels of a phase, in the order of the labels.
struct PoreField {
    LabelView labels;
    std::uint8_t phase = 0;
    const std::int32_t* squared = nullptr;     // squared distance to the nearest other phase
    const std::int32_t* to_unknown = nullptr;  // to what is masked, 0 there; or none is
    bool faces = true;                         // whether beyond the faces nothing is known
    bool flat = false;                         // an image, without faces along z
};

// Of the voxels of the phase, trials[j] are so far from everything unknown that a distance of j / 2
// can be judged, and hits[j] of them are further than j / 2 from other phases. The distance is that
// of voxel centres less one half: it exceeds j / 2 where 4 squared > (j + 1)^2.
struct PoreCounts {
    std::vector<std::int64_t> hits, trials;
};

// For j = 0 .. steps. Throws std::invalid_argument for steps or threads that are none.
PoreCounts pore_size(const PoreField& field, std::int64_t steps, int threads);

}  // namespace microtwin
