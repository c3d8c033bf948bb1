package io.jllm.quant.codec.grid;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Scanner;

/**
 * Points of which one stands for several values, up to a scale and signs. Which points a grid has is part of its format: there is no rule for
 * them, they were chosen by what weights of models look like. Read from a resource when the first block is decoded. Source: ggml.
 *
 * <p>A record, for the JVM trusts that its fields never change, and so unrolls the loops.
 *
 * @param coordinates values of a point
 * @param points their coordinates, one after the other
 */
record Grid(int coordinates, float[] points) {
    private static final String RESOURCE = "grids.txt";
    private static final float[] THREE_LEVELS = {8, 25, 43};

    static final Grid IQ1_S = read("IQ1_S", -1, 0, 1);
    static final Grid IQ2_XXS = read("IQ2_XXS", THREE_LEVELS);
    static final Grid IQ2_XS = read("IQ2_XS", THREE_LEVELS);
    static final Grid IQ2_S = read("IQ2_S", THREE_LEVELS);
    static final Grid IQ3_XXS = read("IQ3_XXS", 4, 12, 20, 28, 36, 44, 52, 62);
    static final Grid IQ3_S = read("IQ3_S", 1, 3, 5, 7, 9, 11, 13, 15);

    /** Writes {@code scale} times a point, its coordinate j negated where bit j of the signs is set. */
    void put(int point, float scale, int signs, float[] dst, int at) {
        int from = point * coordinates;
        for (int j = 0; j < coordinates; j++) {
            // Not a branch: signs cannot be foretold.
            int sign = signs << Integer.SIZE - 1 - j & Integer.MIN_VALUE;
            dst[at + j] = Float.intBitsToFloat(Float.floatToRawIntBits(scale * points[from + j]) ^ sign);
        }
    }

    /** Writes {@code scale (point + shift)}. */
    void putShifted(int point, float scale, float shift, float[] dst, int at) {
        int from = point * coordinates;
        for (int j = 0; j < coordinates; j++) {
            dst[at + j] = scale * (points[from + j] + shift);
        }
    }

    /** All coordinates, which are whole numbers of a byte, point after point. */
    byte[] bytes() {
        var bytes = new byte[points.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) points[i];
        }
        return bytes;
    }

    /** Eight signs of which seven are stored: the number of negative ones is even. */
    static int evenSigns(int seven) {
        return seven | (Integer.bitCount(seven) & 1) << 7;
    }

    private static Grid read(String name, float... levels) {
        try (InputStream in = Grid.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("the resource " + RESOURCE + " of " + Grid.class.getPackageName() + " is missing from its jar");
            }
            var words = new Scanner(new String(in.readAllBytes(), StandardCharsets.US_ASCII).replaceAll("(?m)^#.*$", ""));
            while (!(words.next().equals("grid") && words.next().equals(name))) {
                continue; // numbers of the grids before it
            }
            return read(words, levels);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Grid read(Scanner words, float[] levels) {
        int base = words.nextInt();
        int coordinates = words.nextInt();
        var points = new float[words.nextInt() * coordinates];
        int number = 0;
        for (int at = 0; at < points.length; at += coordinates) {
            number += words.nextInt();
            int rest = number;
            for (int j = 0; j < coordinates; j++) {
                points[at + j] = levels[rest % base];
                rest /= base;
            }
        }
        return new Grid(coordinates, points);
    }
}
