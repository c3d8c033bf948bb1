package io.jllm.cpu.layout;

/** What the numbers of a format are, and so how they lie: the geometry of units of 16 rows. */
public sealed interface Numbers {
    /** What machine code multiplies them by. */
    TokenFormat tokens();

    /** Blocks of a unit. */
    int unitBlocks();

    /** Bytes of a unit's header. */
    int headerBytes();

    /** Bytes of a block. */
    int blockBytes();

    /** Integers with scales. */
    record Integers(Planes planes, Scales scales) implements Numbers {
        @Override
        public TokenFormat tokens() {
            return TokenFormat.BYTES;
        }

        @Override
        public int unitBlocks() {
            return scales.unitBlocks();
        }

        @Override
        public int headerBytes() {
            return scales.headerBytes();
        }

        @Override
        public int blockBytes() {
            return planes.blockBytes();
        }
    }

    /** Floats by themselves, without a header. */
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

        @Override
        public TokenFormat tokens() {
            return TokenFormat.FLOATS;
        }

        @Override
        public int unitBlocks() {
            return 1;
        }

        @Override
        public int headerBytes() {
            return 0;
        }

        @Override
        public int blockBytes() {
            return WeightFormat.ROWS * TokenFormat.BLOCK * bytes;
        }
    }

    /**
     * Floats of 8 bits, 64 columns of which share a scale: see {@link FloatLayout.Eights}. Header: 16 floats, 2^120 times the scales; then for each
     * four columns, 16 times their bytes.
     */
    record EightBits() implements Numbers {
        @Override
        public TokenFormat tokens() {
            return TokenFormat.FLOATS;
        }

        @Override
        public int unitBlocks() {
            return 2;
        }

        @Override
        public int headerBytes() {
            return WeightFormat.ROWS * Float.BYTES;
        }

        @Override
        public int blockBytes() {
            return WeightFormat.ROWS * TokenFormat.BLOCK;
        }
    }
}
