package io.jllm.cpu.layout.attention;

/**
 * What rotation in machine code is written for.
 *
 * @param dim dimensions of a head
 * @param rotaryDim how many of them are rotated, from the first on; even
 * @param halves whether a pair is a dimension of the first half and one of the second, not two neighbours
 * @param positions of a page of keys: their dimensions are so many floats apart
 */
public record RopeShape(int dim, int rotaryDim, boolean halves, int positions) {
}
