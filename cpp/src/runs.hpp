// Runs of ones along 64 lines at once.
#pragma once

#include <cstdint>

namespace microtwin {

// Adds the runs of the 64 lines in one word column of a bundle (word i * kBundleWords is voxel i of
// each) to runs[length], so that the segments that begin in the first n voxels can be told from
// them: a run that goes on into the `tail` behind counts +1 at its length and -1 at that of its
// part in the tail.
void count_runs(const std::uint64_t* column, std::int64_t n, std::int64_t tail, std::int64_t* runs);

struct ChordRows {
    std::int64_t n, tail;  // voxels of a line, and those that follow where it wraps
    std::int64_t longest;  // longest chord to be counted
};

// Adds to chords[l] the runs of l ones with a zero at either end, one for each beginning in n
// successive voxels of a line. With a window (null: everything), both zeros must lie in it.
void count_chords(const std::uint64_t* column, const std::uint64_t* window, const ChordRows& rows,
                  std::int64_t* chords);

}  // namespace microtwin
