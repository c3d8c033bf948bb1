package io.jllm.cuda.kernels;

/**
 * Rows of a value on the device: as floats, and beside them in 8 bits with a scale for each 32, which stand without gaps. A kernel reads or writes
 * the form that it is given; addresses are 0 for a form that is not there.
 *
 * @param floats where the floats of the first row are
 * @param pitch floats from a row to the next
 * @param bytes where the values in 8 bits are
 * @param scales where their scales are
 */
public record Rows(long floats, int pitch, long bytes, long scales) {
    /** No rows at all. */
    public static final Rows NONE = new Rows(0, 0, 0, 0);

    /** Rows of floats alone. */
    public static Rows ofFloats(long floats, int pitch) {
        return new Rows(floats, pitch, 0, 0);
    }

    /** The floats from a column on; nothing, if there are no rows. */
    public Rows from(int column) {
        return floats == 0 ? this : ofFloats(floats + (long) Float.BYTES * column, pitch);
    }

    /** Where the floats of a row are; 0 if there are no rows. */
    public long row(int row) {
        return floats == 0 ? 0 : floats + (long) Float.BYTES * pitch * row;
    }
}
