// q5_k: 32 values of 5 bits share a scale and a minimum.
#pragma once
#include "common/formats/k_pairs.cuh"

typedef Pairs<FiveBits<0>> Q5K;
