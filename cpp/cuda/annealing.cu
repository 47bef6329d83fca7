#include <algorithm>
#include <thread>

#include "annealing.hpp"
#include "blocks.hpp"
#include "device.cuh"
#include "microtwin/parallel.hpp"

namespace microtwin::cuda {
namespace {

constexpr std::int64_t kMaxBlocks = 1 << 20;  // of a launch that packs

__global__ void __launch_bounds__(kThreads)
    pack_all(const __grid_constant__ Problem problem, const std::uint8_t* labels,
             std::int64_t structures, std::uint64_t* bits) {
    const std::int64_t words = problem.lines.first[3];
    const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
         i < structures * problem.plane_count * words; i += step) {
        const std::int64_t plane = i / words % problem.plane_count;
        const std::int64_t structure = i / words / problem.plane_count;
        bits[i] = problem.lines.packed(i % words, labels + structure * problem.lines.voxels(),
                                       problem.plane_labels[plane]);
    }
}

__global__ void __launch_bounds__(kWarpLanes)
    walk_all(const __grid_constant__ Problem problem, const Task* tasks,
             const __grid_constant__ Orders orders) {
    Walker(problem, tasks[blockIdx.x], orders).run();
}

// Structures on the device, and what walkers need beside them.
class DeviceArena {
  public:
    // With the hits of all structures, for so many walkers at a time.
    DeviceArena(const Plan& plan, const Replicas& starts, const std::vector<std::int64_t>& hits,
                std::int64_t walkers)
        : scale_(std::ssize(plan.scale())), weight_(std::ssize(plan.weight())),
          target_(std::ssize(plan.target())), labels_(starts.count * starts.shape.size()),
          bits_(starts.count * plan.bit_words()), sites_(labels_.size()), start_(std::ssize(hits)),
          hits_(walkers * plan.table_size()), total_(std::ssize(hits)), accepted_(starts.count),
          tasks_(walkers) {
        put(scale_, plan.scale());
        put(weight_, plan.weight());
        put(target_, plan.target());
        put(start_, hits);
        put(total_, hits);
        labels_.upload(starts.labels, labels_.size());
        accepted_.clear();
        problem_ = plan.problem(scale_.data(), weight_.data());
        const std::int64_t blocks = ceil_div(bits_.size(), kThreads);
        pack_all<<<static_cast<unsigned>(std::clamp<std::int64_t>(blocks, 1, kMaxBlocks)),
                   kThreads>>>(problem_, labels_.data(), starts.count, bits_.data());
        check(cudaGetLastError(), "pack the labels");
    }

    Arena view() {
        return {labels_.data(), bits_.data(), sites_.data(), target_.data(),
                start_.data(),  hits_.data(), total_.data(), accepted_.data()};
    }
    void aim(const std::vector<double>& target, const std::vector<std::int64_t>& hits) {
        put(target_, target);
        put(start_, hits);
    }
    void walk(const std::vector<Task>& tasks, const Orders& orders) {
        put(tasks_, tasks);
        walk_all<<<static_cast<unsigned>(tasks.size()), kWarpLanes>>>(problem_, tasks_.data(),
                                                                      orders);
        check(cudaGetLastError(), "start annealing");
    }
    std::vector<std::uint8_t> labels() const { return labels_.download(); }
    std::vector<std::int64_t> hits() const { return total_.download(); }
    std::vector<std::int64_t> accepted() const { return accepted_.download(); }

  private:
    template <class T>
    static void put(DeviceBuffer<T>& buffer, const std::vector<T>& values) {
        buffer.upload(values.data(), std::ssize(values));
    }

    DeviceBuffer<double> scale_, weight_, target_;
    DeviceBuffer<std::uint8_t> labels_;
    DeviceBuffer<std::uint64_t> bits_;
    DeviceBuffer<std::uint32_t> sites_;
    DeviceBuffer<std::int64_t> start_, hits_, total_, accepted_;
    DeviceBuffer<Task> tasks_;
    Problem problem_;
};

std::vector<std::int64_t> count_all(const Plan& plan, const Replicas& starts) {
    const auto size = static_cast<std::size_t>(plan.table_size());
    std::vector<std::int64_t> hits(static_cast<std::size_t>(starts.count) * size);
    const auto threads = static_cast<int>(std::thread::hardware_concurrency());
    parallel_ranges(starts.count, threads, 0, [&](std::int64_t begin, std::int64_t end, int&) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto rows = plan.count_rows(starts.view(i));
            std::copy(rows.begin(), rows.end(), hits.begin() + i * plan.table_size());
        }
    });
    return hits;
}

Annealed result(const Plan& plan, const DeviceArena& arena) {
    Annealed found{arena.labels(), {}, arena.accepted()};
    const std::vector<std::int64_t> hits = arena.hits();
    for (std::int64_t i = 0; i < std::ssize(found.accepted); ++i)
        found.hits.push_back(plan.curves(hits.data() + i * plan.table_size()));
    return found;
}

}  // namespace

Annealed anneal_replicas(const Replicas& starts, const std::vector<TargetCurve>& targets,
                         const WalkOptions& options, std::int64_t proposals) {
    check_orders(options.orders, proposals);
    const Plan plan = plan_for(starts, targets, options.periodic);
    DeviceArena arena(plan, starts, count_all(plan, starts), starts.count);
    arena.walk(replica_tasks(plan, starts, arena.view(), proposals, options.seed), options.orders);
    return result(plan, arena);
}

Annealed anneal_blocks(const LabelView& start, const std::vector<TargetCurve>& targets,
                       const WalkOptions& options, const Sweeps& sweeps) {
    check_orders(options.orders, sweeps.proposals);
    check_sweeps(sweeps);
    const Replicas one{start.data, start.shape, 1};
    const Plan plan = plan_for(one, targets, options.periodic);
    const BlockGrid grid(start.shape, sweeps.block, plan.reach());
    std::vector<std::int64_t> hits = plan.count_rows(start);
    DeviceArena arena(plan, one, hits, grid.active());
    Xoshiro256 random(options.seed);
    const auto play = [&](const Round& round, std::vector<std::int64_t>& shared) {
        arena.aim(round.target, shared);
        arena.walk(block_tasks(plan, round, arena.view()), options.orders);
        shared = arena.hits();
    };
    for (std::int64_t i = 0; i < sweeps.count; ++i)
        sweep(plan, grid, start.shape, sweeps.proposals, random, hits, play);
    return result(plan, arena);
}

}  // namespace microtwin::cuda
