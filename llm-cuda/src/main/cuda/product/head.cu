// Products for each head, by a matrix of its own; they stand in one matrix one after the other. And the parts of latent attention's queries, keys and
// values that need no product.
#include "common/layout.cuh"
#include "product/gemv.cuh"

static constexpr int ROWS = 16, MOST_COLS = 2048, PARTS_THREADS = 256;

/** As of experts: rows of the matrix are read four by four from a multiple of 4 on. */
__device__ __forceinline__ int outputs(int N) { return N % 4 == 0 ? ROWS : ROWS - 4; }

/** Block (x, t, h): some outputs of head h of row t; what it multiplies has been brought to shared memory. */
template <class Read, class Load>
__device__ __forceinline__ void head_linear(const uchar* W, Load load, float* y, int ldy, int yHead, int yAt, int heads, int N, int K) {
  __shared__ Gemv<Read, 1, ROWS, Read::depth(1)> part;
  int t = blockIdx.y, h = blockIdx.z, chunks = ceil_div(K, Read::K_CHUNK), n0 = blockIdx.x * outputs(N),
      first = (h * N & ~3) + n0, n = n0 + threadIdx.x;
  Sharing sharing(chunks);
  part.run(Read(W, heads * N, K), heads * N, chunks, sharing, ROWS, [&](int r) { return first + r; }, load);
  if (threadIdx.x < outputs(N) && n < N) y[(long long)t * ldy + h * yHead + yAt + n] = part.result(threadIdx.x + (h * N & 3), 0, sharing);
}

#define ARGUMENTS const uchar *W, const float *x, int ldx, int xHead, int xAt, float *y, int ldy, int yHead, int yAt, int heads, int N, int K
#define DENSE(FMT, NUMBER, F)                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS) head_linear_##FMT(ARGUMENTS) {                                                    \
    __shared__ float part[MOST_COLS];                                                                                                          \
    dependents();                                                                                                                              \
    wait_previous();                                                                                                                           \
    const float* from = x + (long long)blockIdx.y * ldx + blockIdx.z * xHead + xAt;                                                            \
    for (int k = threadIdx.x; k < K; k += GEMV_THREADS) part[k] = row1(from + k);                                                              \
    __syncthreads();                                                                                                                           \
    head_linear<F::Read>(                                                                                                                      \
        W,                                                                                                                                     \
        [&](auto& acts, int c, bool valid) {                                                                                                   \
          constexpr int E = F::Read::E;                                                                                                        \
          for (int i = 0; i < E; i++) acts.x[0][i] = valid && E * c + i < K ? part[E * c + i] : 0.f;                                           \
        },                                                                                                                                     \
        y, ldy, yHead, yAt, heads, N, K);                                                                                                      \
  }
#define BLOCKS(FMT, NUMBER, F)                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS) head_linear_##FMT(ARGUMENTS) {                                                    \
    __shared__ __align__(16) signed char part[MOST_COLS];                                                                                      \
    __shared__ Scale scales[MOST_COLS / 32];                                                                                                   \
    dependents();                                                                                                                              \
    wait_previous();                                                                                                                           \
    const float* from = x + (long long)blockIdx.y * ldx + blockIdx.z * xHead + xAt;                                                            \
    int lane = threadIdx.x & 31;                                                                                                               \
    for (int b = threadIdx.x >> 5; b < K / 32; b += GEMV_WARPS) quantize32(row1(from + 32 * b + lane), lane, part + 32 * b, scales + b);       \
    __syncthreads();                                                                                                                           \
    head_linear<F::Read>(                                                                                                                      \
        W,                                                                                                                                     \
        [&](auto& acts, int c, bool valid) {                                                                                                   \
          for (int i = 0; i < 8; i++) acts.x[0][i] = valid ? ((const int*)(part + 32 * c))[i] : 0;                                             \
          acts.take(0, valid ? scales[c].d : 0.f, valid ? scales[c].sum : 0);                                                                  \
        },                                                                                                                                     \
        y, ldy, yHead, yAt, heads, N, K);                                                                                                      \
  }
FORMATS(DENSE, DENSE, BLOCKS)

/**
 * A row of latent attention's q, k and v: for each head its rotated part, behind which a product stands; then the key (rope, c) and the value (0, c),
 * where c is the normed latent vector. q has nope, rope for each head; kv is the latent vector, then rope.
 */
extern "C" __global__ void __launch_bounds__(PARTS_THREADS) latent_parts(const float* q, int ldq, const float* kv, int ldkv, const float* norm,
                                                                         float eps, float* y, int ldy, int heads, int latent, int rope, int nope) {
  __shared__ float room[PARTS_THREADS / 32];
  dependents();
  wait_previous();
  const float *qs = q + (long long)blockIdx.x * ldq, *from = kv + (long long)blockIdx.x * ldkv;
  float* to = y + (long long)blockIdx.x * ldy;
  int head = rope + latent;
  for (int i = threadIdx.x; i < heads * rope; i += PARTS_THREADS)
    to[i / rope * head + i % rope] = row1(qs + i / rope * (nope + rope) + nope + i % rope);
  float squares = 0.f;
  for (int i = threadIdx.x; i < latent; i += PARTS_THREADS) {
    float v = row1(from + i);
    squares += v * v;
  }
  float factor = 1.f / sqrtf(block_sum(squares, room) / latent + eps);
  float *key = to + heads * head, *value = key + head;
  for (int i = threadIdx.x; i < rope; i += PARTS_THREADS) key[i] = row1(from + latent + i), value[i] = 0.f;
  for (int i = threadIdx.x; i < latent; i += PARTS_THREADS) key[rope + i] = value[rope + i] = row1(from + i) * factor * norm[i];
}

EXPORT_SHAPE(head_linear, GEMV_THREADS, ROWS, MOST_COLS)
EXPORT_SHAPE(latent_parts, PARTS_THREADS)
