// Bytes a second at which a kernel reads device memory: the floor of every matrix-vector product. Prints one number.
#include <algorithm>
#include <cstdio>
#include <vector>

__global__ void fill(uint4* p, size_t n) {
  for (size_t i = blockIdx.x * (size_t) blockDim.x + threadIdx.x; i < n; i += (size_t) gridDim.x * blockDim.x) {
    unsigned h = (unsigned) i * 2654435761u;
    p[i] = make_uint4(h, h ^ 1, h ^ 2, h ^ 3);
  }
}

__global__ void read(const uint4* __restrict__ p, size_t n, unsigned* out) {
  size_t i = blockIdx.x * (size_t) blockDim.x + threadIdx.x, step = (size_t) gridDim.x * blockDim.x;
  unsigned s = 0;
  for (; i + 3 * step < n; i += 4 * step) {
    uint4 v[4];
#pragma unroll
    for (int u = 0; u < 4; u++) v[u] = __ldcs(p + i + u * step);
#pragma unroll
    for (int u = 0; u < 4; u++) s ^= v[u].x ^ v[u].y ^ v[u].z ^ v[u].w;
  }
  if (s == 0x12345678u) *out = s;
}

int main() {
  size_t bytes = (size_t) 4 << 30;
  uint4* p;
  unsigned* out;
  if (cudaMalloc(&p, bytes) || cudaMalloc(&out, 4)) return 1;
  fill<<<1320, 512>>>(p, bytes / 16);
  cudaEvent_t a, b;
  cudaEventCreate(&a);
  cudaEventCreate(&b);
  int device = 0, processors = 0;
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  float best = 1e30f;
  for (int blocks : {8, 16, 64}) {
    for (int i = 0; i < 12; i++) {
      cudaEventRecord(a);
      read<<<processors * blocks, 256>>>(p, bytes / 16, out);
      cudaEventRecord(b);
      cudaEventSynchronize(b);
      float ms;
      cudaEventElapsedTime(&ms, a, b);
      best = std::min(best, ms);
    }
  }
  if (cudaGetLastError()) return 1;
  printf("%.4g\n", bytes / best * 1e3);
  return 0;
}
