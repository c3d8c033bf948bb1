package io.jllm.cpu.machine.asm;

/**
 * A vector register.
 *
 * @param number 0 to 31
 * @param bits 128 (xmm), 256 (ymm) or 512 (zmm)
 * @param mask number of the mask register that says which lanes are written; 0 for all of them
 */
public record Vec(int number, int bits, int mask) implements Operand {
    public Vec {
        if (number < 0 || number > 31 || bits != 128 && bits != 256 && bits != 512 || mask < 0 || mask > 7) {
            throw new IllegalArgumentException("no vector register " + number + " of " + bits + " bits with mask " + mask);
        }
    }

    public static Vec xmm(int number) {
        return new Vec(number, 128, 0);
    }

    public static Vec ymm(int number) {
        return new Vec(number, 256, 0);
    }

    static Vec zmm(int number) {
        return new Vec(number, 512, 0);
    }

    /** The same register, of which only the lanes in mask register {@code k} are written (or stored). */
    public Vec masked(int k) {
        return new Vec(number, bits, k);
    }
}
