// From the file's layout to the device's, as it is uploaded: see the formats. Source rows may start at any multiple of two bytes.
#include "common/formats.cuh"
#include "common/layout.cuh"

static constexpr int PACK_THREADS = 128;

#define PACK(FMT, NUMBER, F)                                                                                                                     \
  extern "C" __global__ void __launch_bounds__(PACK_THREADS) pack_##FMT(const uchar* src, uchar* dst, int N, int K, int row0) {                  \
    F::pack(src, dst, N, K, row0);                                                                                                               \
  }
FORMATS(PACK, PACK, PACK)
EXPORT_SHAPE(pack, PACK_THREADS)
// Bytes of the tables in front of matrices, which Java writes: in the order of the list.
#define TABLE(FMT, NUMBER, F) Table<F>::BYTES,
EXPORT_SHAPE(table, FORMATS(TABLE, TABLE, TABLE))
