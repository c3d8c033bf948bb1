// iq4_nl: 32 values share a scale, each is one of 16 levels.
#pragma once
#include "common/formats/code_book.cuh"
#include "common/formats/nibbles.cuh"

typedef Nibbles<HalfScale, Coded<Levels>> IQ4NL;
