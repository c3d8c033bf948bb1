// q4_k: 32 values of 4 bits share a scale and a minimum.
#pragma once
#include "common/formats/k_pairs.cuh"

typedef Pairs<FourBits<0>> Q4K;
