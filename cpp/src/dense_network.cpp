#include "dense_network.hpp"

namespace microtwin {

void DenseNetwork::factor() {
    const std::size_t n = size_;
    for (std::size_t i = 0; i < n; ++i) {
        double* row = lower_.data() + i * n;
        for (std::size_t j = 0; j <= i; ++j) {
            const double* other = lower_.data() + j * n;
            double sum = row[j];
            for (std::size_t k = 0; k < j; ++k) sum -= row[k] * other[k] * lower_[k * n + k];
            if (pinned_[i] != 0 || pinned_[j] != 0) sum = i == j ? 1 : 0;
            row[j] = i == j ? sum : sum / other[j];
        }
    }
}

void DenseNetwork::solve(double* values) const {
    const std::size_t n = size_;
    for (std::size_t i = 0; i < n; ++i) {
        if (pinned_[i] != 0) values[i] = 0;
        for (std::size_t k = 0; k < i; ++k) values[i] -= lower_[i * n + k] * values[k];
    }
    for (std::size_t i = n; i-- > 0;) {
        values[i] /= lower_[i * n + i];
        for (std::size_t k = i + 1; k < n; ++k) values[i] -= lower_[k * n + i] * values[k];
    }
}

DenseNetwork dense_network(const CoarseGraph& graph) {
    const auto n = static_cast<std::size_t>(graph.size());
    DenseNetwork network(n);
    std::vector<std::uint8_t> seen(n, 0);
    std::vector<std::size_t> waiting;
    for (std::size_t first = 0; first < n; ++first) {
        if (seen[first] != 0) continue;
        bool grounded = false;
        seen[first] = 1;
        for (waiting = {first}; !waiting.empty();) {
            const std::size_t i = waiting.back();
            waiting.pop_back();
            network.ground(i, graph.ground[i]);
            grounded = grounded || graph.ground[i] > 0;
            for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e) {
                const auto j =
                    static_cast<std::size_t>(graph.neighbour[static_cast<std::size_t>(e)]);
                if (i < j) network.join(i, j, graph.conductance[static_cast<std::size_t>(e)]);
                if (seen[j] == 0) {
                    seen[j] = 1;
                    waiting.push_back(j);
                }
            }
        }
        if (!grounded) network.pin(first);
    }
    network.factor();
    return network;
}

}  // namespace microtwin
