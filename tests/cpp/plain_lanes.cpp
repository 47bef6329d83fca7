// lanes.cpp as compilers without vector types see it, under other names.
#define MICROTWIN_PLAIN_LANES
#define energy_difference plain_energy_difference
#define absorb plain_absorb
#include "lanes.cpp"
