// s8_64: 64 values of 8 bits share a float as their scale.
#pragma once
#include "common/formats/signed_bytes.cuh"

typedef SignedBytes<FloatScale<1>> S864;
