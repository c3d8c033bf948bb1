// What formats of 256 values share that lie on the device about as in the file: their numbers are points of a grid, of which one stands for 4 or 8
// values, or have three values. In front of the matrix stands the table of the grid's points, if there is one: Java writes it. Then planes, row by
// row.
#pragma once
#include "common/formats/two_bits.cuh"

/** A plane with a T for each PER sub-blocks. */
template <class T, int PER = 1> struct Plane {
  static __device__ __forceinline__ long long bytes(int N, int K) { return round256(rows4(N) * (K / 32 / PER) * sizeof(T)); }
  static __device__ __forceinline__ T get(const uchar* plane, long long sub) { return __ldg((const T*)plane + sub / PER); }
  static __device__ __forceinline__ void put(uchar* plane, long long sub, T v) { ((T*)plane)[sub / PER] = v; }
};

/** Where planes start, behind a table; the last is for what 256 values share. */
template <int TABLE, class A, class B, class C = B> struct Planes {
  static constexpr int TABLE_BYTES = TABLE;
  typedef Tile<1, 0> RowTile; // what most of them have
  static __device__ __forceinline__ long long a() { return round256(TABLE); }
  static __device__ __forceinline__ long long b(int N, int K) { return a() + A::bytes(N, K); }
  static __device__ __forceinline__ long long c(int N, int K) { return b(N, K) + B::bytes(N, K); }
  static __device__ __forceinline__ long long d(int N, int K) { return c(N, K) + C::bytes(N, K); }
};

/** Four bits as the lowest bits of four bytes. */
__device__ __forceinline__ unsigned bit_a_byte(unsigned bits) {
  return (bits & 1) | (bits & 2) << 7 | (bits & 4) << 14 | (bits & 8) << 21;
}
/** Four bytes that are not 0, negated where bits are set. */
__device__ __forceinline__ int negated(unsigned bytes, unsigned bits) {
  unsigned ones = bit_a_byte(bits);
  return (int)((bytes ^ ones * 255) + ones);
}
/** Eight signs of which seven are stored: the number of negative ones is even. */
__device__ __forceinline__ unsigned even_signs(unsigned seven) { return seven | (__popc(seven) & 1) << 7; }
/** Eight values of a sub-block: a point of a table, with signs. */
__device__ __forceinline__ void put_point(Block& b, int l, uint2 point, unsigned signs) {
  b.w[2 * l] = negated(point.x, signs), b.w[2 * l + 1] = negated(point.y, signs >> 4);
}

/**
 * A format, by how it lies. D has `Raw`, what is loaded for a sub-block; `load` it; `spread` it as bytes with their scales; and `pack` a sub-block
 * of the file.
 */
template <class D> struct Gridded {
  typedef typename D::RowTile RowTile;
  static constexpr int TABLE_BYTES = D::TABLE_BYTES;
  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    D::spread(D::load(W, N, K, (long long)row * (K / 32) + c), W, b);
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    Block b;
    block(W, N, K, row, k / 32, b);
    return (k % 32 < 16 ? b.scale[0] : b.scale[1]) * byte_of(b.w, k % 32) - b.minimum;
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      typename D::Raw raw[4];
      const uchar* table;
    };
    const uchar* W;
    int N, K;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), N(N), K(K) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      g.table = W;
#pragma unroll
      for (int r = 0; r < 4; r++) {
        g.raw[r] = typename D::Raw{};
        if (valid) g.raw[r] = D::load(W, N, K, (long long)(row + r) * (K / 32) + c);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      Block b;
      D::spread(g.raw[r], g.table, b);
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t, u;
        dot_halves(b.w, a, m, t, u);
        out[m] = (b.scale[0] * t + b.scale[1] * u - b.minimum * a.sum[m]) * a.d[m];
      }
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      Block b;
      D::spread(g.raw[r], g.table, b);
#pragma unroll
      for (int i = 0; i < 8; i++) t.w[i] = b.w[i];
      t.scale[0] = b.scale[0], t.scale[RowTile::SCALES - 1] = b.scale[RowTile::SCALES - 1], t.minimum[0] = b.minimum;
    }
  };

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    for (int c = threadIdx.x; c < nb; c += blockDim.x)
      D::pack(src + ((long long)blockIdx.x * (nb / 8) + c / 8) * D::FILE_BYTES, c % 8, dst, N, K, (row0 + (long long)blockIdx.x) * nb + c);
  }
};

/** Bytes of the table in front of matrices of a format; 0 for most. */
template <class F> struct Table {
  static constexpr int BYTES = 0;
};
template <class D> struct Table<Gridded<D>> {
  static constexpr int BYTES = D::TABLE_BYTES;
};
