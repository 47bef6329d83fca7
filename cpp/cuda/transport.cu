#include "device.cuh"
#include "machine_relief.hpp"
#include "transport.hpp"

namespace microtwin::cuda {
namespace {

template <class Work>
__global__ void __launch_bounds__(kThreads)
    run_all(const __grid_constant__ Work work, std::int64_t count) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (i < count) work(i);
}

// Memory that is all zero at first; where it is moved to, it is freed.
template <class T>
class Memory {
  public:
    explicit Memory(std::int64_t count) : buffer_(std::make_unique<DeviceBuffer<T>>(count)) {
        buffer_->clear();
    }
    T* data() const { return buffer_->data(); }
    void upload(const T* from, std::int64_t count) { buffer_->upload(from, count); }
    void download(T* into, std::int64_t count) const {
        check(cudaMemcpy(into, data(), static_cast<std::size_t>(count) * sizeof(T),
                         cudaMemcpyDeviceToHost),
              "copy from the GPU");
    }

  private:
    std::unique_ptr<DeviceBuffer<T>> buffer_;
};

struct Gpu {
    template <class T>
    using Buffer = Memory<T>;

    template <class Work>
    void run(std::int64_t count, const Work& work) const {
        if (count == 0) return;
        run_all<<<static_cast<unsigned>(ceil_div(count, kThreads)), kThreads>>>(work, count);
        check(cudaGetLastError(), "start a part of the transport solver");
    }
    double read(const double* value) const {
        double result = 0;
        check(cudaMemcpy(&result, value, sizeof(double), cudaMemcpyDeviceToHost),
              "run the transport solver");
        return result;
    }
};

}  // namespace

Transport solve_transport(const TransportProblem& problem, const TransportOptions& options,
                          float* potential) {
    int devices = 0;
    check(cudaGetDeviceCount(&devices), "find a GPU");  // even where nothing percolates
    return microtwin::solve_transport(problem, options, potential,
                                      [](const VoxelNetwork& net, const Multigrid& grids) {
                                          return std::make_unique<MachineRelief<Gpu>>(net, grids);
                                      });
}

}  // namespace microtwin::cuda
