// How far a potential may be from the solution: the energy of a flux that carries its imbalances
// away.
//
// The flux of a potential u has sources r; any flux c with the same sources makes it free of them,
// and the energy of u exceeds that of the solution by at most the energy of c (W. Prager and
// J. L. Synge, Quart. Appl. Math. 5, 241 (1947)). Here c comes down through the networks of parts:
// what flows between two parts is shared among the faces between them, and what is then left over
// within each part, which is connected and whose sources add up to zero, flows through its inside.
#pragma once

#include "multigrid.hpp"

namespace microtwin {

// The energy of such a flux, for sources in padded rows; these are changed.
double energy_of_imbalance(const VoxelNetwork& network, const Multigrid& grids, float* sources,
                           int threads);
double energy_of_imbalance(const VoxelNetwork& network, const Multigrid& grids, double* sources,
                           int threads);

}  // namespace microtwin
