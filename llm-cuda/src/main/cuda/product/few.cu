// y = residual + bias + W x, or act(G x) * (U x), for 2 to 64 rows of bytes x: exact sums of 32 products, then floats, as for single rows.
#include "common/layout.cuh"
#include "product/few_blocks.cuh"

template <class F, int NT>
__device__ __forceinline__ void few(const uchar* W, const signed char* q, const Scale* s, int K, FewOutput<tiles_of(NT)> out) {
  constexpr int TILES = tiles_of(NT);
  typedef typename F::Read Read;
  typedef WarpTile<typename F::RowTile> Rows;
  extern __shared__ __align__(16) uchar room[];
  dependents();
  FewPlace p(out.parts);
  long long m = out.take(8 * NT);
  q += m * K, s += m * (K / 32);
  int nb = K / 32, steps = ceil_div(nb, STEP), step = p.part;
  Rows* tiles = (Rows*)room + TILES * p.warp;
  Columns<NT>* columns = (Columns<NT>*)((Rows*)room + TILES * (blockDim.x >> 5)) + 2 * p.part;
  Read read(W, out.matrix_rows(), K);
  int sub = p.lane % STEP, row = p.lane / STEP * 4, first = out.first(p), count = out.count(p);
  typename Read::Group g[TILES];
  auto load = [&](int step) {
    int c = STEP * step + sub;
#pragma unroll
    for (int i = 0; i < TILES; i++) read.load(g[i], first + 16 * i + row, out.matrix_rows(), c, step < steps && c < nb && 16 * i + row < count);
  };
  auto fetch = [&](int step, int slot) {
    if (step < steps) columns[slot].fetch(q, s, nb, STEP * step, out.rows, p, [](int m) { return m; });
  };
  load(step);
  wait_previous();
  fetch(step, 0);
  float acc[TILES][NT][4] = {};
  for (int slot = 0; step < steps; step += out.parts, slot ^= 1) {
    __syncwarp(); // the tiles of the step before have been read
#pragma unroll
    for (int i = 0; i < TILES; i++) tiles[i].template put<Read>(g[i], sub, row);
    load(step + out.parts);
    wait_copies<0>();
    p.meet(); // the rows of x are there for all, and all have left those of the step before
    fetch(step + out.parts, slot ^ 1);
#pragma unroll(NT == 1 ? 2 : 1)
    for (int c = 0; c < STEP / 2; c++) multiply<typename F::RowTile, TILES, NT>(acc, tiles, columns[slot], c, p.lane);
  }
  out.template finish<NT, true>(acc, p, (float*)room);
}

/** Whether what a lane reads of a format, or what it keeps, takes many registers. */
template <class F> __host__ __device__ constexpr bool large() {
  return F::RowTile::SCALES == 2 || sizeof(typename F::Read::Group) >= sizeof(Q80::Read::Group);
}

#define FEW1(FMT, F, NT)                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(32 * FEW_WARPS, NT == 2 && large<F>() ? 1 : 2) /* more registers spare spills */                   \
      few_##FMT##_n##NT(const uchar* W, const signed char* q, const Scale* s, FEW_OUTPUT) {                                                     \
    few<F, NT>(W, q, s, K, FEW_PASS);                                                                                                           \
  }
#define NONE(FMT, NUMBER, F)
#define FEW(FMT, NUMBER, F) FEW1(FMT, F, 1) FEW1(FMT, F, 2) FEW1(FMT, F, 4) FEW1(FMT, F, 8)
FORMATS(NONE, NONE, FEW)

// Rows of W a warp, for one, two, four and eight times 8 rows of x. Bytes of shared memory: for each part of the columns and 8 rows of x; then, in
// the order of the list, for each 16 rows of W.
#define TILE_BYTES(FMT, NUMBER, F) , (int)sizeof(WarpTile<typename F::RowTile>)
EXPORT_SHAPE(few, 16 * tiles_of(1), 16 * tiles_of(2), 16 * tiles_of(4), 16 * tiles_of(8), (int)(2 * sizeof(Columns<1>))
             FORMATS(NONE, NONE, TILE_BYTES))
