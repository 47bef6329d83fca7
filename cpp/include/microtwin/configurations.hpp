// How often each 2 x 2 (x 2) neighbourhood of voxels occurs: all that the Minkowski functionals of
// a digital image need.
//
// J. Ohser, F. Muecklich, Statistical Analysis of Microstructures in Materials Science (2000);
// D. Legland, K. Kieu, M.-F. Devaux, Image Anal. Stereol. 26, 83 (2007).
#pragma once

#include <cstdint>
#include <vector>

#include "microtwin/grid.hpp"

namespace microtwin {

// counts[c] neighbourhoods have bit dx + 2 dy + 4 dz of c set just where the voxel (dz, dy, dx) is
// of the phase: 256 counts for a volume, 16 for an image (`flat`, one slice). They wrap at the
// faces where the structure is periodic; otherwise only those inside count, and of these, if there
// is a mask of the labels' size, only those where it is nowhere zero.
std::vector<std::int64_t> configurations(const LabelView& labels, const std::uint8_t* mask,
                                         bool flat, std::uint8_t phase, bool periodic, int threads);

}  // namespace microtwin
