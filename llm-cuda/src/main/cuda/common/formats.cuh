// The formats of weights: one list, which every family of kernels expands.
#pragma once
#include "common/formats/dense.cuh"
#include "common/formats/e2m1_64.cuh"
#include "common/formats/f8_64.cuh"
#include "common/formats/float_books.cuh"
#include "common/formats/iq1.cuh"
#include "common/formats/iq2.cuh"
#include "common/formats/iq3.cuh"
#include "common/formats/iq4_nl.cuh"
#include "common/formats/iq4_xs.cuh"
#include "common/formats/mxfp4.cuh"
#include "common/formats/q2_k.cuh"
#include "common/formats/q3_k.cuh"
#include "common/formats/q4_0.cuh"
#include "common/formats/q4_1.cuh"
#include "common/formats/q4_k.cuh"
#include "common/formats/q5_0.cuh"
#include "common/formats/q5_1.cuh"
#include "common/formats/q5_k.cuh"
#include "common/formats/q6_k.cuh"
#include "common/formats/q8_0.cuh"
#include "common/formats/s8_64.cuh"
#include "common/formats/ternary.cuh"
#include "common/formats/whole_numbers.cuh"

/**
 * A row each: the name, as names of kernels end; the number, as Java and the tasks of chains know it, which never changes; and the struct of its
 * layout. `DENSE` takes formats of plain values, `SCALED` those of floats that share scales, both of which meet activations as floats; `BLOCKS`
 * those of blocks, which meet them as bytes.
 *
 * A struct has `value` (of a row and a column), `pack` (from the file's layout to the device's, by a block of threads for a row), `Read` (for
 * products by a few rows) and, if it is one of blocks, `block` (32 values as bytes, for products by many) and in its `Read` `tile` (the same from
 * what has been read, as a `RowTile`, for tensor cores).
 */
#define FORMATS(DENSE, SCALED, BLOCKS) \
  DENSE(f32, 0, Dense<float>)  \
  DENSE(f16, 1, Dense<__half>) \
  DENSE(bf16, 2, Dense<bf16>)  \
  BLOCKS(q4_0, 3, Q40)         \
  BLOCKS(q8_0, 4, Q80)         \
  BLOCKS(q4_k, 5, Q4K)         \
  BLOCKS(q5_k, 6, Q5K)         \
  BLOCKS(q6_k, 7, Q6K)         \
  BLOCKS(q4_1, 8, Q41)         \
  BLOCKS(q5_0, 9, Q50)         \
  BLOCKS(q5_1, 10, Q51)        \
  BLOCKS(q2_k, 11, Q2K)        \
  BLOCKS(q3_k, 12, Q3K)        \
  BLOCKS(mxfp4, 13, Mxfp4)     \
  BLOCKS(iq4_nl, 14, IQ4NL)    \
  BLOCKS(iq4_xs, 15, IQ4XS)    \
  BLOCKS(iq2_xxs, 16, IQ2XXS)  \
  BLOCKS(iq2_xs, 17, IQ2XS)    \
  BLOCKS(iq2_s, 18, IQ2S)      \
  BLOCKS(iq3_xxs, 19, IQ3XXS)  \
  BLOCKS(iq3_s, 20, IQ3S)      \
  BLOCKS(iq1_s, 21, IQ1S)      \
  BLOCKS(iq1_m, 22, IQ1M)      \
  BLOCKS(tq1_0, 23, TQ10)      \
  BLOCKS(tq2_0, 24, TQ20)      \
  BLOCKS(u2_32, 25, U2x32)     \
  BLOCKS(u2_64, 26, U2x64)     \
  BLOCKS(u2_128, 27, U2x128)   \
  BLOCKS(u3_32, 28, U3x32)     \
  BLOCKS(u3_64, 29, U3x64)     \
  BLOCKS(u3_128, 30, U3x128)   \
  BLOCKS(u4_32, 31, U4x32)     \
  BLOCKS(u4_64, 32, U4x64)     \
  BLOCKS(u4_128, 33, U4x128)   \
  BLOCKS(u8_32, 34, U8x32)     \
  BLOCKS(nf4, 35, NF4)         \
  BLOCKS(fp4, 36, FP4)         \
  BLOCKS(s8_64, 37, S864)      \
  BLOCKS(e2m1_64, 38, E2M1x64) \
  SCALED(f8_64, 39, F8x64)

#define FORMAT_NUMBER(FMT, NUMBER, F) FORMAT_##FMT = NUMBER,
enum FormatNumber { FORMATS(FORMAT_NUMBER, FORMAT_NUMBER, FORMAT_NUMBER) };
