package io.jllm.cpu.machine.asm;

import java.util.Optional;

/**
 * Memory at {@code base + index * scale + displacement}.
 *
 * @param index any register but rsp
 * @param scale 1, 2, 4 or 8
 * @param broadcast whether one element there stands for all lanes
 */
public record Mem(Gpr base, Optional<Gpr> index, int scale, int displacement, boolean broadcast) implements Operand {
    public Mem {
        if (index.filter(i -> i == Gpr.RSP).isPresent()) {
            throw new IllegalArgumentException("rsp cannot be an index");
        }
        if (Integer.bitCount(scale) != 1 || scale > 8) {
            throw new IllegalArgumentException("scale must be 1, 2, 4 or 8, was " + scale);
        }
    }

    public static Mem at(Gpr base, int displacement) {
        return new Mem(base, Optional.empty(), 1, displacement, false);
    }

    public static Mem at(Gpr base, Gpr index, int scale, int displacement) {
        return new Mem(base, Optional.of(index), scale, displacement, false);
    }

    /** One element for all lanes. */
    public Mem each() {
        return new Mem(base, index, scale, displacement, true);
    }

    @Override
    public int number() {
        return 0;
    }
}
