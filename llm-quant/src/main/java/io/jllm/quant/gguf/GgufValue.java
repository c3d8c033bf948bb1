package io.jllm.quant.gguf;

import java.util.List;

/** A value of a GGUF file's metadata. Source: the GGUF specification of the ggml project. */
public sealed interface GgufValue {
    /** Types of scalars and of array elements, in the order of their numbers in the file. */
    enum Type {
        UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64
    }

    /** Any integer type; a UINT64 above the range of long is held as its two's complement. */
    record Int(Type type, long value) implements GgufValue {
    }

    /** FLOAT32 or FLOAT64. */
    record Real(Type type, double value) implements GgufValue {
    }

    /** BOOL. */
    record Bool(boolean value) implements GgufValue {
    }

    /** STRING. */
    record Text(String value) implements GgufValue {
    }

    /** An array of any integer type. The array must not be changed. */
    record Ints(Type type, long[] values) implements GgufValue {
    }

    /** An array of FLOAT32 or FLOAT64. The array must not be changed. */
    record Reals(Type type, double[] values) implements GgufValue {
    }

    /** An array of BOOL. The array must not be changed. */
    record Bools(boolean[] values) implements GgufValue {
    }

    /** An array of STRING. */
    record Texts(List<String> values) implements GgufValue {
    }

    /** An array of arrays. */
    record Nested(List<GgufValue> values) implements GgufValue {
    }
}
