package io.jllm.cpu.machine.asm;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/** Many instructions, each as code that writes it and as text for GNU as (Intel syntax, no prefixes on registers). */
final class Instructions {
    record Case(String text, byte[] code) {
    }

    private static final int[] DISPLACEMENTS = {0, 1, 4, 16, 32, 64, -64, 60, 127, 128, -128, -129, 252, 508, 512, -512, 2032, 4096, 8128, 8192,
        -8192, 1 << 20};
    private static final int EACH = 24;
    private static final Set<Simd> BROADCASTS = EnumSet.of(Simd.VPDPBUSD, Simd.VPTERNLOGD, Simd.VPAND, Simd.VPOR, Simd.VPXOR, Simd.VPADDD,
            Simd.VPSUBD, Simd.VPMAXSD, Simd.VPMINSD, Simd.VPSRLD, Simd.VPSLLD, Simd.VPSRAD, Simd.VPANDN, Simd.VMULPS, Simd.VADDPS, Simd.VSUBPS,
            Simd.VDIVPS, Simd.VMAXPS, Simd.VMINPS, Simd.VSQRTPS, Simd.VPSHUFD, Simd.VFMADD231PS, Simd.VCVTDQ2PS);

    private final Random random = new Random(7);
    private final List<Case> cases = new ArrayList<>();

    private Instructions() {
    }

    /** Always the same ones. */
    static List<Case> all() {
        var all = new Instructions();
        for (Simd op : Simd.values()) {
            for (int i = 0; i < EACH; i++) {
                all.vector(op);
            }
        }
        all.general();
        all.jumps();
        all.narrow();
        return all.cases;
    }

    private void add(String text, Consumer<Assembler> code) {
        var a = new Assembler();
        code.accept(a);
        byte[] bytes = a.code();
        // Where operands could be swapped to save a byte, as does so: it is told which length is meant.
        boolean evex = (bytes[0] & 0xff) == 0x62;
        String prefix = (bytes[0] & 0xff) == 0xc4 ? "{vex3} " : evex ? "{evex} " : "";
        // With masks, operations on bits must say how wide the lanes are.
        String name = evex ? text.replaceFirst("\\bv(pandn|pand|por|pxor) ", "v$1d ") : text;
        cases.add(new Case(prefix + name, bytes));
    }

    private void vector(Simd op) {
        boolean evex = op.prefix() == Simd.Prefix.EVEX || op.prefix() == Simd.Prefix.BOTH && random.nextBoolean();
        int bits = switch (op) {
            case VEXTRACTI64X4 -> 512;
            case VEXTRACTI128 -> 256;
            case VMOVD, VMOVD_STORE, VMOVSS_STORE, VDIVSS -> 128;
            default -> evex ? 512 : 256;
        };
        boolean general = op == Simd.VMOVD || op == Simd.VMOVD_STORE || op == Simd.VPBROADCASTD_GPR;
        Vec a = vec(evex, bits);
        Vec b = vec(evex, bits);
        int constant = random.nextInt(256);
        boolean memory = random.nextBoolean() && op != Simd.VPBROADCASTD_GPR && (op.form() != Simd.Form.VMI || evex)
                || op == Simd.VBROADCASTI32X4 || op == Simd.VMOVSS_STORE || op == Simd.VMASKMOVPS || op == Simd.VMASKMOVPS_STORE;
        boolean broadcast = memory && evex && random.nextBoolean() && BROADCASTS.contains(op);
        Operand other = memory ? mem(broadcast) : general ? gpr() : vec(evex, otherBits(op, bits));
        // Between registers, loads and stores can say the same.
        String name = (op.form() == Simd.Form.RM ? "{load} " : op.form() == Simd.Form.MR ? "{store} " : "") + name(op);
        String rm = text(other, otherText(op, bits));
        switch (op.form()) {
            case RM -> {
                Vec to = masked(evex, a, !general);
                add(name + " " + text(to) + ", " + rm, x -> x.emit(op, to, other));
            }
            case MR -> {
                Vec from = memory ? masked(evex, a, true) : a;
                add(name + " " + rm + mask(from) + ", " + text(from.masked(0)), x -> x.emit(op, other, from));
            }
            case RVM -> {
                Vec to = masked(evex, a, true);
                add(name + " " + text(to) + ", " + text(b) + ", " + rm, x -> x.emit(op, to, b, other));
            }
            case RVMI -> {
                Vec to = masked(evex, a, true);
                add(name + " " + text(to) + ", " + text(b) + ", " + rm + ", " + constant, x -> x.emit(op, to, b, other, constant));
            }
            case MVR -> add(name + " " + rm + ", " + text(a) + ", " + text(b), x -> x.emit(op, other, a, b));
            case VMI -> {
                Vec to = masked(evex, a, true);
                add(name + " " + text(to) + ", " + rm + ", " + constant, x -> x.emit(op, to, other, constant));
            }
            case RMI -> {
                Vec to = masked(evex, a, true);
                add(name + " " + text(to) + ", " + rm + ", " + constant, x -> x.emit(op, to, other, constant));
            }
            case MRI -> add(name + " " + rm + ", " + text(a) + ", " + constant, x -> x.emit(op, other, a, constant));
        }
    }

    private static String name(Simd op) {
        return op.name().replaceAll("_(STORE|GPR)$", "").toLowerCase(Locale.ROOT);
    }

    /** Bits of the operand that may be memory, as a register. */
    private static int otherBits(Simd op, int bits) {
        return switch (op) {
            case VCVTPH2PS, VPMOVZXBW, VEXTRACTI64X4 -> bits / 2;
            case VEXTRACTI128, VPBROADCASTD, VPBROADCASTW, VBROADCASTSS -> 128;
            case VPMOVDB, VPMOVSXBD, VPMOVZXBD, VBROADCASTI32X4 -> 128;
            default -> bits;
        };
    }

    /** Bits that the operand has as memory. */
    private static int otherText(Simd op, int bits) {
        return switch (op) {
            case VMOVD, VMOVD_STORE, VMOVSS_STORE, VDIVSS, VPBROADCASTD, VBROADCASTSS -> 32;
            case VPBROADCASTW -> 16;
            case VPMOVSXBD, VPMOVZXBD -> bits / 4;
            default -> otherBits(op, bits);
        };
    }

    private Vec vec(boolean evex, int bits) {
        return new Vec(random.nextInt(evex ? 32 : 16), bits, 0);
    }

    private Vec masked(boolean evex, Vec v, boolean allowed) {
        return evex && allowed && random.nextInt(3) == 0 ? v.masked(1 + random.nextInt(7)) : v;
    }

    private Gpr gpr() {
        return Gpr.values()[random.nextInt(16)];
    }

    private Mem mem(boolean broadcast) {
        int d = DISPLACEMENTS[random.nextInt(DISPLACEMENTS.length)];
        Gpr index = gpr();
        boolean indexed = index != Gpr.RSP && random.nextBoolean();
        return new Mem(gpr(), indexed ? Optional.of(index) : Optional.empty(), indexed ? 1 << random.nextInt(4) : 1, d, broadcast);
    }

    private static String text(Vec v) {
        return (v.bits() == 512 ? "zmm" : v.bits() == 256 ? "ymm" : "xmm") + v.number() + mask(v);
    }

    private static String mask(Vec v) {
        return v.mask() == 0 ? "" : "{k" + v.mask() + "}";
    }

    private static String text(Operand o, int bits) {
        return switch (o) {
            case Vec v -> text(v);
            case Gpr g -> low(g);
            case Mem m -> (m.broadcast() ? "dword bcst " : switch (bits) {
                case 16 -> "word ptr ";
                case 32 -> "dword ptr ";
                case 64 -> "qword ptr ";
                case 128 -> "xmmword ptr ";
                case 256 -> "ymmword ptr ";
                default -> "zmmword ptr ";
            }) + text(m);
        };
    }

    private static String text(Mem m) {
        int d = m.displacement();
        return "[" + text(m.base()) + m.index().map(i -> " + " + text(i) + "*" + m.scale()).orElse("")
                + (d == 0 ? "" : d < 0 ? " - " + -(long) d : " + " + d) + "]";
    }

    private static String text(Gpr g) {
        return g.name().toLowerCase(Locale.ROOT);
    }

    private static String low(Gpr g) {
        return g.ordinal() < 8 ? "e" + text(g).substring(1) : text(g) + "d";
    }

    private void general() {
        for (Gpr r : Gpr.values()) {
            Gpr other = gpr();
            Mem m = mem(false);
            int constant = random.nextInt();
            add("mov " + text(r) + ", " + text(other), a -> a.mov(r, other));
            add("mov " + text(r) + ", qword ptr " + text(m), a -> a.load(r, m));
            add("mov " + low(r) + ", " + constant, a -> a.mov(r, constant));
            add("add " + text(r) + ", " + text(other), a -> a.add(r, other));
            for (int d : new int[] {1, -2, 127, -128, 128, 320, -129, 1 << 24}) {
                add("add " + text(r) + ", " + d, a -> a.add(r, d));
            }
            for (int c : new int[] {-64, -1, 127}) {
                add("and " + text(r) + ", " + c, a -> a.and(r, (byte) c));
            }
            add("dec " + text(r), a -> a.dec(r));
            add("test " + text(r) + ", " + text(other), a -> a.test(r, other));
            add("push " + text(r), a -> a.push(r));
            add("pop " + text(r), a -> a.pop(r));
            add("prefetcht0 byte ptr " + text(m), a -> a.prefetcht0(m));
            if (r.ordinal() < 8) {
                int k = 1 + r.ordinal() % 7;
                add("kmovw k" + k + ", " + low(r), a -> a.kmovw(k, r));
            }
        }
        add("vzeroupper", Assembler::vzeroupper);
        add("ret", Assembler::ret);
    }

    private void narrow() {
        for (Gpr r : Gpr.values()) {
            Mem m = mem(false);
            String half = r.ordinal() < 8 ? text(r).substring(1) : text(r) + "w";
            add("mov " + low(r) + ", dword ptr " + text(m), a -> new Moves(a).loadInt(r, m));
            add("mov dword ptr " + text(m) + ", " + low(r), a -> new Moves(a).storeInt(m, r));
            add("movzx " + low(r) + ", word ptr " + text(m), a -> new Moves(a).loadHalf(r, m));
            add("mov word ptr " + text(m) + ", " + half, a -> new Moves(a).storeHalf(m, r));
        }
        add("xor eax, 0x80808080", a -> new Moves(a).xorEax(0x80808080));
    }

    private void jumps() {
        for (Assembler.Condition c : Assembler.Condition.values()) {
            String jump = switch (c) {
                case CARRY -> "jc";
                case NO_CARRY -> "jnc";
                case ZERO -> "jz";
                case NOT_ZERO -> "jnz";
            };
            for (int gap : new int[] {0, 1, 125, 126, 127, 1000}) {
                add("1: .skip " + gap + ", 0xc3; " + jump + " 1b", a -> {
                    var label = new Label();
                    a.bind(label);
                    skip(a, gap);
                    a.jump(c, label);
                });
                add("{disp32} " + jump + " 1f; .skip " + gap + ", 0xc3; 1:", a -> {
                    var label = new Label();
                    a.jump(c, label);
                    skip(a, gap);
                    a.bind(label);
                });
            }
        }
    }

    private static void skip(Assembler a, int bytes) {
        for (int i = 0; i < bytes; i++) {
            a.ret();
        }
    }
}
