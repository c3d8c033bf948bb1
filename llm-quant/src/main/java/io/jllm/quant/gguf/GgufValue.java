package io.jllm.quant.gguf;

import java.util.Arrays;
import java.util.List;

/** A value of a GGUF file's metadata. Values compare by content. Source: the GGUF specification of the ggml project. */
public sealed interface GgufValue {
    /** Types of scalars and of array elements, in the order of their numbers in the file. */
    enum Type {
        /** 8 bits without a sign. */
        UINT8(1),
        /** 8 bits with a sign. */
        INT8(1),
        /** 16 bits without a sign. */
        UINT16(2),
        /** 16 bits with a sign. */
        INT16(2),
        /** 32 bits without a sign. */
        UINT32(4),
        /** 32 bits with a sign. */
        INT32(4),
        /** Single precision. */
        FLOAT32(4),
        /** One byte, 0 or 1. */
        BOOL(1),
        /** A length of 64 bits and as many bytes of UTF-8. */
        STRING(8),
        /** An element type of 32 bits, a count of 64 bits and the elements. */
        ARRAY(12),
        /** 64 bits without a sign. */
        UINT64(8),
        /** 64 bits with a sign. */
        INT64(8),
        /** Double precision. */
        FLOAT64(8);

        private final int leastBytes;

        Type(int leastBytes) {
            this.leastBytes = leastBytes;
        }

        /** The fewest bytes that a value takes in a file; all of them for types of one size. */
        int leastBytes() {
            return leastBytes;
        }

        boolean isInteger() {
            return switch (this) {
                case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
                case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> false;
            };
        }

        /** Refuses an integer that does not fit; every long fits UINT64, as its two's complement. */
        void check(long value) {
            boolean fits = switch (this) {
                case UINT8 -> value >= 0 && value <= 0xff;
                case INT8 -> value == (byte) value;
                case UINT16 -> value >= 0 && value <= 0xffff;
                case INT16 -> value == (short) value;
                case UINT32 -> value >= 0 && value <= 0xffff_ffffL;
                case INT32 -> value == (int) value;
                case UINT64, INT64 -> true;
                case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> throw new IllegalArgumentException(this + " is not an integer type");
            };
            if (!fits) {
                throw new IllegalArgumentException(value + " does not fit " + this);
            }
        }

        double round(double value) {
            return switch (this) {
                case FLOAT32 -> (float) value;
                case FLOAT64 -> value;
                case UINT8, INT8, UINT16, INT16, UINT32, INT32, BOOL, STRING, ARRAY, UINT64, INT64 ->
                    throw new IllegalArgumentException(this + " is not a floating-point type");
            };
        }
    }

    /** The type under which the file holds it: ARRAY for every array. */
    Type type();

    /**
     * Any integer type; a UINT64 above the range of long is held as its two's complement.
     *
     * @param type its type
     * @param value its value, which must fit the type
     */
    record Int(Type type, long value) implements GgufValue {
        /** Checks the type and the range. */
        public Int {
            type.check(value);
        }
    }

    /**
     * FLOAT32 or FLOAT64.
     *
     * @param type its type
     * @param value its value, rounded to single precision for FLOAT32
     */
    record Real(Type type, double value) implements GgufValue {
        /** Checks the type and rounds. */
        public Real {
            value = type.round(value);
        }
    }

    /**
     * BOOL.
     *
     * @param value its value
     */
    record Bool(boolean value) implements GgufValue {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    /**
     * STRING.
     *
     * @param value its value
     */
    record Text(String value) implements GgufValue {
        @Override
        public Type type() {
            return Type.STRING;
        }
    }

    /** Any array. */
    sealed interface Array extends GgufValue {
        /** The type of its elements. */
        Type elementType();

        /** The number of its elements. */
        int size();

        @Override
        default Type type() {
            return Type.ARRAY;
        }
    }

    /**
     * An array of any integer type. The array must not be changed.
     *
     * @param elementType the type of the elements
     * @param values the elements, which must fit the type
     */
    record Ints(Type elementType, long[] values) implements Array {
        /** Checks the type and the ranges. */
        public Ints {
            elementType.check(0);
            for (long v : values) {
                elementType.check(v);
            }
        }

        @Override
        public int size() {
            return values.length;
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Ints i && elementType == i.elementType && Arrays.equals(values, i.values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return elementType + Arrays.toString(values);
        }
    }

    /**
     * An array of FLOAT32 or FLOAT64. The array must not be changed.
     *
     * @param elementType the type of the elements
     * @param values the elements; those of a FLOAT32 array must be floats
     */
    record Reals(Type elementType, double[] values) implements Array {
        /** Checks the type and the precision. */
        public Reals {
            for (double v : values) {
                if (Double.compare(elementType.round(v), v) != 0) {
                    throw new IllegalArgumentException(v + " is no " + elementType + ": round it first");
                }
            }
            elementType.round(0);
        }

        @Override
        public int size() {
            return values.length;
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Reals r && elementType == r.elementType && Arrays.equals(values, r.values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return elementType + Arrays.toString(values);
        }
    }

    /**
     * An array of BOOL. The array must not be changed.
     *
     * @param values the elements
     */
    record Bools(boolean[] values) implements Array {
        @Override
        public Type elementType() {
            return Type.BOOL;
        }

        @Override
        public int size() {
            return values.length;
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Bools b && Arrays.equals(values, b.values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return Type.BOOL + Arrays.toString(values);
        }
    }

    /**
     * An array of STRING.
     *
     * @param values the elements
     */
    record Texts(List<String> values) implements Array {
        /** Takes a copy. */
        public Texts {
            values = PackedTexts.copyOf(values);
        }

        @Override
        public Type elementType() {
            return Type.STRING;
        }

        @Override
        public int size() {
            return values.size();
        }
    }

    /**
     * An array of arrays.
     *
     * @param values the elements
     */
    record Nested(List<Array> values) implements Array {
        /** Takes a copy. */
        public Nested {
            values = List.copyOf(values);
        }

        @Override
        public Type elementType() {
            return Type.ARRAY;
        }

        @Override
        public int size() {
            return values.size();
        }
    }
}
