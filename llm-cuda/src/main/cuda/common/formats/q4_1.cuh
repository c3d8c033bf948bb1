// q4_1: 32 values of 4 bits share a scale and a minimum, which is added.
#pragma once
#include "common/formats/nibbles.cuh"

typedef Nibbles<ScaleAndMinimum, FourBits<0>> Q41;
