// What adapters put in the place of the model's: whole matrices, weights of norms, rows of tables.
#include "adapter/adapter.cuh"

/** Keeps residuals of rows whose products must be known apart from them. */
extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) adapter_keep(const int* tiles, const Change* changes, int all,
                                                                           const Site* sites, int count, const float* residual, int ldr, float* kept,
                                                                           int ldk, int width) {
  dependents();
  wait_previous();
  for (int item = blockIdx.x; item < tiles[0]; item += gridDim.x) {
    Tile t(tiles, item);
    bool apart = false;
    for (int i = 0; i < count; i++) apart |= changes[(long long)t.slot * all + sites[i].number].apart();
    if (!apart) continue;
    for (int r = 0; r < t.rows; r++) {
      long long row = t.row(r);
      for (int k = threadIdx.x; k < width; k += ADAPTER_THREADS) kept[row * ldk + k] = row1(residual + row * ldr + k);
    }
  }
}

static constexpr int OUTPUTS = ADAPTER_ROWS / ADAPTER_WARPS, TOGETHER = 2; // outputs of a warp, and rows of x that they meet together

template <class T>
static __device__ __forceinline__ void other(const Change& c, const Tile& t, const Site& s, int n, const float* x, int ldx, int K, const float* kept,
                                             int ldk, float* y, int ldy) {
  constexpr int V = Lane<T>::N;
  int lane = threadIdx.x & 31;
  for (int r0 = 0; r0 < t.rows; r0 += TOGETHER) {
    float sum[OUTPUTS][TOGETHER] = {};
    for (int at = lane * V; at < K; at += 32 * V) {
      float b[TOGETHER][V];
#pragma unroll
      for (int r = 0; r < TOGETHER; r++) {
        const float* row = x + (long long)t.row(min(r0 + r, t.rows - 1)) * ldx;
#pragma unroll
        for (int i = 0; i < V; i += 4) *(float4*)&b[r][i] = row4_masked(row, at + i, K);
      }
#pragma unroll
      for (int o = 0; o < OUTPUTS; o++) {
        float a[V];
        Lane<T>::floats(stream16(c.whole + min(n + o, s.outputs - 1) * pitch<T>(K) + (long long)at * sizeof(T)), a);
#pragma unroll
        for (int r = 0; r < TOGETHER; r++) {
#pragma unroll
          for (int i = 0; i < V; i++) sum[o][r] = fmaf(a[i], b[r][i], sum[o][r]);
        }
      }
    }
#pragma unroll
    for (int o = 0; o < OUTPUTS; o++) {
#pragma unroll
      for (int r = 0; r < TOGETHER; r++) {
        float v = warp_sum(sum[o][r]);
        if (lane == 0 && n + o < s.outputs && r0 + r < t.rows) {
          long long row = t.row(r0 + r);
          y[row * ldy + s.column + n + o] = v + (s.bias ? s.bias[n + o] : 0.f) + (kept ? row1(kept + row * ldk + s.column + n + o) : 0.f);
        }
      }
    }
  }
}

/** Products by other matrices, in place of the model's. */
extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) adapter_whole(const int* tiles, const Change* changes, int all,
                                                                            const Site* sites, int count, int parts, const float* x, int ldx, int K,
                                                                            const float* kept, int ldk, float* y, int ldy) {
  dependents();
  wait_previous();
  for (int item = blockIdx.x; item < tiles[0] * parts; item += gridDim.x) {
    Tile t(tiles, item / parts);
    int part = item % parts, site = 0;
    while (part >= ceil_div(sites[site].outputs, ADAPTER_ROWS)) part -= ceil_div(sites[site++].outputs, ADAPTER_ROWS);
    Site s = sites[site];
    Change c = changes[(long long)t.slot * all + s.number];
    if (!c.whole) continue;
    int n = part * ADAPTER_ROWS + (threadIdx.x >> 5) * OUTPUTS;
    if (c.wholeType == 0) other<float>(c, t, s, n, x, ldx, K, kept, ldk, y, ldy);
    else if (c.wholeType == 1) other<__half>(c, t, s, n, x, ldx, K, kept, ldk, y, ldy);
    else other<bf16>(c, t, s, n, x, ldx, K, kept, ldk, y, ldy);
  }
}

/** Norms rows anew by other weights. */
extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) adapter_norm(const int* tiles, const Change* changes, int all, int number,
                                                                           const float* x, int ldx, const int* rowIndex, const float* w,
                                                                           const float* b, int centred, float eps, float* y, int ldy, signed char* q,
                                                                           Scale* scales, int width) {
  __shared__ float room[2][ADAPTER_WARPS];
  dependents();
  wait_previous();
  for (int item = blockIdx.x; item < tiles[0] * ADAPTER_TILE; item += gridDim.x) {
    Tile t(tiles, item / ADAPTER_TILE);
    int r = item % ADAPTER_TILE;
    Change c = changes[(long long)t.slot * all + number];
    if (r >= t.rows || !(c.gain || c.shift)) continue;
    const float* weight = c.gain ? c.gain : w;
    const float* bias = c.shift ? c.shift : b;
    long long row = t.row(r);
    const float* from = x + (long long)(rowIndex ? max(rowIndex[row], 0) : row) * ldx;
    float sum = 0.f, squares = 0.f;
    for (int k = threadIdx.x; centred && k < width; k += ADAPTER_THREADS) sum += row1(from + k);
    float mean = centred ? block_sum(sum, room[0]) / width : 0.f;
    for (int k = threadIdx.x; k < width; k += ADAPTER_THREADS) {
      float v = row1(from + k) - mean;
      squares += v * v;
    }
    float factor = 1.f / sqrtf(block_sum(squares, room[1]) / width + eps);
    for (int k = threadIdx.x; k - (k & 31) < width; k += ADAPTER_THREADS) {
      float v = k < width ? (row1(from + k) - mean) * factor : 0.f;
      if (weight && k < width) v *= weight[k];
      if (bias && k < width) v += bias[k];
      if (y && k < width) y[row * ldy + k] = v;
      if (q) quantize32(v, k & 31, q + row * width + k - (k & 31), scales + row * (width / 32) + k / 32);
    }
    __syncthreads();
  }
}

/** Changes rows of an embedding table, each by its token. */
extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) adapter_embed(const int* tiles, const Change* changes, int all, int number,
                                                                            const int* ids, float* y, int ldy, int width) {
  __shared__ int found;
  dependents();
  wait_previous();
  for (int item = blockIdx.x; item < tiles[0] * ADAPTER_TILE; item += gridDim.x) {
    Tile t(tiles, item / ADAPTER_TILE);
    int r = item % ADAPTER_TILE;
    Change c = changes[(long long)t.slot * all + number];
    if (r >= t.rows || !c.any()) continue;
    long long row = t.row(r);
    int id = ids[row];
    if (c.replaced) {
      __syncthreads();
      if (threadIdx.x == 0) found = -1;
      __syncthreads();
      for (int i = threadIdx.x; i < c.rank; i += ADAPTER_THREADS) {
        if (c.replaced[i] == id) found = i;
      }
      __syncthreads();
    }
    for (int k = threadIdx.x; k < width; k += ADAPTER_THREADS) {
      float v = c.whole ? value_of(c.wholeType, c.whole, width, id, k)
                : c.replaced && found >= 0 ? value_of(c.type, c.down, width, found, k) : row1(y + row * ldy + k);
      if (c.up) {
        float sum = 0.f;
        int lanes = c.type == 0 ? 4 : 8;
        for (int i = 0; i < c.rank; i++) {
          float up = value_of(c.type, c.up + ((long long)(i / lanes) * width + k) * 16, lanes, 0, i % lanes);
          sum = fmaf(up, value_of(c.type, c.down, c.rank, id, i), sum);
        }
        v = fmaf(c.scale, sum, v);
      }
      y[row * ldy + k] = c.gain ? c.gain[k] * v : v;
    }
  }
}
