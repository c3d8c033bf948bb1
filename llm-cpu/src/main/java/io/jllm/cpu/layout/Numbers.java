package io.jllm.cpu.layout;

/** What the numbers of a format are. */
public sealed interface Numbers {
    /** Integers with scales. */
    record Integers(Planes planes, Scales scales) implements Numbers {
    }

    /** Floats by themselves. */
    enum Floats implements Numbers {
        /** In half precision: for each column, 16 numbers of 2 bytes. */
        F16(Short.BYTES, Short.BYTES),
        /** The upper half of a float: for each pair of columns, 16 pairs. */
        BF16(Short.BYTES, Integer.BYTES),
        /** For each column, 16 floats. */
        F32(Float.BYTES, Integer.BYTES);

        private final int bytes;
        private final int run;

        Floats(int bytes, int run) {
            this.bytes = bytes;
            this.run = run;
        }

        /** Bytes of a number. */
        public int bytes() {
            return bytes;
        }

        /** Bytes of what lies row after row: a number, or a pair of them. */
        public int run() {
            return run;
        }
    }
}
