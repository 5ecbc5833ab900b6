// Update rules over all elements of a buffer, in one pass: the formulas that the CPU loops use.
#include "engine/kernels/cuda/formulas.cuh"

namespace collie::cuda {
namespace {

// Parts of a tensor may be any number of elements: the last few go one by one.
template <class Rule, class T, int W>
__global__ void update_elements(UpdateArgs a, Rule rule) {
  T* weight = static_cast<T*>(a.weight);
  const int64_t packs = a.n / W, rest = packs * W;
  const auto update = [&]<int Count>(int64_t i) {
    float w[Count], g[Count], states[4][Count] = {};
    load(weight + i, w);
    load(a.grad + i, g);
    for (int s = 0; s < Rule::kStates; ++s) load(a.state[s] + i, states[s]);
    for (int k = 0; k < Count; ++k) {
      ElementState state{states[0][k], states[1][k], states[2][k], states[3][k]};
      w[k] = updated(rule, w[k], g[k] * a.grad_scale, state);
      states[0][k] = state.a;
      states[1][k] = state.b;
      states[2][k] = state.c;
      states[3][k] = state.d;
    }
    for (int s = 0; s < Rule::kStates; ++s) store(a.state[s] + i, states[s]);
    store_weights(weight + i, w, a, i);
  };
  COLLIE_GRID_STRIDE(i, packs) update.template operator()<W>(i * W);
  COLLIE_GRID_STRIDE(i, a.n - rest) update.template operator()<1>(rest + i);
}

}  // namespace

template <class Rule>
void update(const UpdateArgs& a, const Rule& rule, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    // Four of everything: 16 bytes of gradient and states.
    with_packs<float>({a.grad, a.state[0], a.state[1], a.state[2], a.state[3]}, {}, [&]<int Floats>() {
      with_packs<T, Floats>({a.weight}, {}, [&]<int W>() {
        launch(update_elements<Rule, T, W>, blocks_for((a.n + W - 1) / W), stream, a, rule);
      });
    });
  });
}

template void update(const UpdateArgs&, const AdamWRule&, cudaStream_t);
template void update(const UpdateArgs&, const LionRule&, cudaStream_t);
template void update(const UpdateArgs&, const AdanRule&, cudaStream_t);
template void update(const UpdateArgs&, const SophiaRule&, cudaStream_t);
template void update(const UpdateArgs&, const MomentumRule&, cudaStream_t);
template void update(const UpdateArgs&, const PlainRule&, cudaStream_t);

}  // namespace collie::cuda
