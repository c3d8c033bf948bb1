// q8_0: 32 values of 8 bits share a scale.
#pragma once
#include "common/formats/signed_bytes.cuh"

typedef SignedBytes<HalfScale> Q80;
