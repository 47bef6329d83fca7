// Memory on the GPU and the check of every CUDA call.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace microtwin::cuda {

inline void check(cudaError_t status, const char* action) {
    if (status == cudaSuccess) return;
    cudaGetLastError();  // or the next call would report it again
    throw std::runtime_error(std::string("CUDA could not ") + action + ": " +
                             cudaGetErrorString(status));
}

// An array on the current device, freed with its owner.
template <class T>
class DeviceBuffer {
  public:
    explicit DeviceBuffer(std::int64_t count) : count_(count) {
        const cudaError_t status = cudaMalloc(&data_, bytes());
        if (status == cudaErrorMemoryAllocation) {
            cudaGetLastError();
            throw std::runtime_error(no_room());
        }
        check(status, "allocate memory on the GPU");
    }
    DeviceBuffer(const DeviceBuffer&) = delete;
    DeviceBuffer& operator=(const DeviceBuffer&) = delete;
    ~DeviceBuffer() { cudaFree(data_); }

    T* data() { return static_cast<T*>(data_); }
    std::int64_t size() const { return count_; }

    void clear() { check(cudaMemset(data_, 0, bytes()), "clear memory on the GPU"); }
    void upload(const T* from, std::int64_t count) {
        check(cudaMemcpy(data_, from, static_cast<std::size_t>(count) * sizeof(T),
                         cudaMemcpyHostToDevice),
              "copy to the GPU");
    }
    std::vector<T> download() const {
        std::vector<T> result(static_cast<std::size_t>(count_));
        check(cudaMemcpy(result.data(), data_, bytes(), cudaMemcpyDeviceToHost),
              "copy from the GPU");
        return result;
    }

  private:
    std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(T); }
    std::string no_room() const {
        const auto mebibytes = [](std::size_t n) { return std::to_string((n >> 20) + 1) + " MiB"; };
        std::size_t free = 0, total = 0;
        std::string message = "the GPU has no room for another " + mebibytes(bytes());
        if (cudaMemGetInfo(&free, &total) == cudaSuccess)
            message += " (less than " + mebibytes(free) + " of " + mebibytes(total) + " are free)";
        return message + "; use device=\"cpu\"";
    }

    void* data_ = nullptr;
    std::int64_t count_;
};

}  // namespace microtwin::cuda
