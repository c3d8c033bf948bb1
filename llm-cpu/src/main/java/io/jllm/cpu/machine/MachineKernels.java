package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.cpu.os.MachineCodeException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * What there is in machine code for an instruction set: each piece is written when it is first asked for, and tested before it is given
 * out; one that fails is left to slower kernels, and a warning says so. {@link MachineTier} makes a tier of it. Thread-safe.
 */
public final class MachineKernels {
    private final MachineCode code;
    // What was asked for, if it passed the self-test.
    private final Map<WeightFormat, Optional<PackedProducts>> products = new ConcurrentHashMap<>();
    private final Map<WeightFormat, Optional<MachineDecoder>> decoders = new ConcurrentHashMap<>();
    private final Map<Scored, Optional<MachineAttention>> attention = new ConcurrentHashMap<>();
    private final Map<RopeShape, Optional<RopeFunctions>> rope = new ConcurrentHashMap<>();
    private final Map<Isa, Optional<RowFunctions>> rows = new ConcurrentHashMap<>();
    private final Map<Isa, Optional<ThinFunctions>> thin = new ConcurrentHashMap<>();

    /** Keys and values, and what becomes of scores. */
    private record Scored(KvLayout layout, boolean capped, boolean biased) {
    }

    private MachineKernels(MachineCode code) {
        this.code = code;
    }

    /** The kernels of an instruction set that run here, or why there are none. */
    private record Found(Optional<MachineKernels> kernels, String reason) {
        private static final Map<Isa, MachineKernels> KNOWN = new ConcurrentHashMap<>();

        /**
         * Writes code once, and for no instruction set that nobody asks for. What cannot run is asked again: the system may only have been short of
         * memory.
         */
        static Found of(Isa isa) {
            try {
                return new Found(Optional.of(KNOWN.computeIfAbsent(isa, i -> new MachineKernels(MachineCode.of(i)))), "");
            } catch (MachineCodeException e) {
                return new Found(Optional.empty(), e.getMessage());
            }
        }
    }

    /** The kernels for an instruction set; empty if they cannot run here. */
    public static Optional<MachineKernels> of(Isa isa) {
        return Found.of(isa).kernels();
    }

    /** The best ones that run here. */
    public static Optional<MachineKernels> best() {
        for (Isa isa : Isa.values()) {
            if (of(isa).isPresent()) {
                return of(isa);
            }
        }
        return Optional.empty();
    }

    /** Why there are none for an instruction set; empty if there are. */
    public static String whyNot(Isa isa) {
        return Found.of(isa).reason();
    }

    /** As a user would name them. */
    public String name() {
        return code.isa().name().toLowerCase(Locale.ROOT);
    }

    /** Products of a format. The first time that it is asked for, its code is written and tested, which takes some milliseconds. */
    public Optional<PackedProducts> products(WeightFormat format) {
        Optional<PackedProducts> known = products.get(format);
        return known != null ? known : products.computeIfAbsent(format, f -> tested(f.name(), () -> {
            var made = new MachineProducts(name(), code, f);
            MachineSelfTest.run(made, f);
            return made;
        }));
    }

    /** What makes floats of a format's integers, the same way; empty for formats of floats. */
    public Optional<MachineDecoder> decoder(WeightFormat format) {
        return decoders.computeIfAbsent(format, f -> switch (f.numbers()) {
            case Numbers.Floats _, Numbers.EightBits _ -> Optional.empty();
            case Numbers.Integers n -> tested("floats of " + f, () -> {
                var made = new MachineDecoder(code, code.decoder(f, n));
                MachineSelfTest.run(made, f);
                return made;
            });
        });
    }

    /** Attention over keys and values that lie so. The first time, it is written and tested; if it fails, a warning says so. */
    public Optional<MachineAttention> attention(KvLayout layout) {
        return attention(layout, false, false);
    }

    /** The same for scores that are capped, or biased. */
    public Optional<MachineAttention> attention(KvLayout layout, boolean capped, boolean biased) {
        return attention.computeIfAbsent(new Scored(layout, capped, biased), s -> tested("attention over " + layout.type(), () -> {
            var made = new MachineAttention(layout, capped, biased, code);
            AttentionSelfTest.run(made, layout);
            return made;
        }));
    }

    /** Rotation of heads of a shape; as above. */
    public Optional<RopeFunctions> rope(RopeShape shape) {
        return rope.computeIfAbsent(shape, s -> tested("rotation", () -> {
            RopeFunctions made = code.rope(s);
            RowSelfTest.run(made, s);
            return made;
        }));
    }

    /** What is done with rows of floats; as above. */
    public Optional<RowFunctions> rows() {
        return rows.computeIfAbsent(code.isa(), _ -> tested("norms and activations", () -> {
            RowFunctions made = code.rows();
            RowSelfTest.run(made);
            return made;
        }));
    }

    /** Products by matrices of low rank; as above. */
    public Optional<ThinFunctions> thin() {
        return thin.computeIfAbsent(code.isa(), _ -> tested("products of low rank", () -> {
            ThinFunctions made = code.thin();
            ThinSelfTest.run(made);
            return made;
        }));
    }

    private <T> Optional<T> tested(String what, Supplier<T> make) {
        try {
            return Optional.of(make.get());
        } catch (MachineCodeException e) {
            System.getLogger(MachineKernels.class.getPackageName()).log(System.Logger.Level.WARNING,
                    "Leaving {0} to slower kernels than {1}: {2}", what, name(), e.getMessage());
            return Optional.empty();
        }
    }

    /** Where weights go. */
    LargeMemory memory() {
        return code.memory();
    }
}
