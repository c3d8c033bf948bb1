package io.jllm.cpu.machine.asm;

import static io.jllm.cpu.machine.asm.Simd.Prefix.BOTH;
import static io.jllm.cpu.machine.asm.Simd.Prefix.EVEX;
import static io.jllm.cpu.machine.asm.Simd.Prefix.VEX;

/** The vector instructions in use: how each is encoded. Forms, in the order in which operands are written: see {@link Form}. */
public enum Simd {
    // AVX-512
    VPDPBUSD(EVEX, Form.RVM, 2, 1, 0, 0x50, 0),
    VPTERNLOGD(EVEX, Form.RVMI, 3, 1, 0, 0x25, 0),
    VPBROADCASTD_GPR(EVEX, Form.RM, 2, 1, 0, 0x7c, 0),
    VPMOVDB(EVEX, Form.MR, 2, 2, 0, 0x31, 0, Tuple.QUARTER),
    VEXTRACTI64X4(EVEX, Form.MRI, 3, 1, 1, 0x3b, 0, 32), VBROADCASTI32X4(EVEX, Form.RM, 2, 1, 0, 0x5a, 0, 16),
    // Both: with registers below 16, no masks and no broadcasts the shorter one of AVX2
    VMOVUPS(BOTH, Form.RM, 1, 0, 0, 0x10, 0), VMOVUPS_STORE(BOTH, Form.MR, 1, 0, 0, 0x11, 0),
    VPAND(BOTH, Form.RVM, 1, 1, 0, 0xdb, 0), VPOR(BOTH, Form.RVM, 1, 1, 0, 0xeb, 0), VPXOR(BOTH, Form.RVM, 1, 1, 0, 0xef, 0),
    VPADDD(BOTH, Form.RVM, 1, 1, 0, 0xfe, 0), VPADDW(BOTH, Form.RVM, 1, 1, 0, 0xfd, 0), VPSUBD(BOTH, Form.RVM, 1, 1, 0, 0xfa, 0),
    VPMAXSD(BOTH, Form.RVM, 2, 1, 0, 0x3d, 0), VPMINSD(BOTH, Form.RVM, 2, 1, 0, 0x39, 0), VPSHUFB(BOTH, Form.RVM, 2, 1, 0, 0x00, 0),
    VPMADDUBSW(BOTH, Form.RVM, 2, 1, 0, 0x04, 0), VPMADDWD(BOTH, Form.RVM, 1, 1, 0, 0xf5, 0), VPABSB(BOTH, Form.RM, 2, 1, 0, 0x1c, 0),
    VPSRLW(BOTH, Form.VMI, 1, 1, 0, 0x71, 2), VPSLLW(BOTH, Form.VMI, 1, 1, 0, 0x71, 6),
    VPSRLD(BOTH, Form.VMI, 1, 1, 0, 0x72, 2), VPSLLD(BOTH, Form.VMI, 1, 1, 0, 0x72, 6),
    VPSRAD(BOTH, Form.VMI, 1, 1, 0, 0x72, 4), VPSRAW(BOTH, Form.VMI, 1, 1, 0, 0x71, 4),
    VPMOVSXBD(BOTH, Form.RM, 2, 1, 0, 0x21, 0, Tuple.QUARTER), VPMOVZXBD(BOTH, Form.RM, 2, 1, 0, 0x31, 0, Tuple.QUARTER),
    VPMOVZXBW(BOTH, Form.RM, 2, 1, 0, 0x30, 0, Tuple.HALF),
    VPBROADCASTD(BOTH, Form.RM, 2, 1, 0, 0x58, 0, 4), VBROADCASTSS(BOTH, Form.RM, 2, 1, 0, 0x18, 0, 4),
    VCVTPH2PS(BOTH, Form.RM, 2, 1, 0, 0x13, 0, Tuple.HALF), VCVTDQ2PS(BOTH, Form.RM, 1, 0, 0, 0x5b, 0),
    VCVTPS2DQ(BOTH, Form.RM, 1, 1, 0, 0x5b, 0),
    VPBROADCASTW(BOTH, Form.RM, 2, 1, 0, 0x79, 0, 2), VPANDN(BOTH, Form.RVM, 1, 1, 0, 0xdf, 0),
    VMULPS(BOTH, Form.RVM, 1, 0, 0, 0x59, 0), VADDPS(BOTH, Form.RVM, 1, 0, 0, 0x58, 0), VSUBPS(BOTH, Form.RVM, 1, 0, 0, 0x5c, 0),
    VDIVPS(BOTH, Form.RVM, 1, 0, 0, 0x5e, 0), VMAXPS(BOTH, Form.RVM, 1, 0, 0, 0x5f, 0), VMINPS(BOTH, Form.RVM, 1, 0, 0, 0x5d, 0),
    VSQRTPS(BOTH, Form.RM, 1, 0, 0, 0x51, 0), VPSHUFD(BOTH, Form.RMI, 1, 1, 0, 0x70, 0),
    VPERMPS(BOTH, Form.RVM, 2, 1, 0, 0x16, 0), VFMADD231PS(BOTH, Form.RVM, 2, 1, 0, 0xb8, 0),
    // AVX and AVX2
    VMOVD_STORE(VEX, Form.MR, 1, 1, 0, 0x7e, 0), VMOVD(VEX, Form.RM, 1, 1, 0, 0x6e, 0),
    VMOVSS_STORE(VEX, Form.MR, 1, 2, 0, 0x11, 0),
    VEXTRACTI128(VEX, Form.MRI, 3, 1, 0, 0x39, 0),
    VPSIGNB(VEX, Form.RVM, 2, 1, 0, 0x08, 0), VPACKUSDW(VEX, Form.RVM, 2, 1, 0, 0x2b, 0), VPACKUSWB(VEX, Form.RVM, 1, 1, 0, 0x67, 0),
    VDIVSS(VEX, Form.RVM, 1, 2, 0, 0x5e, 0),
    VMASKMOVPS(VEX, Form.RVM, 2, 1, 0, 0x2c, 0), VMASKMOVPS_STORE(VEX, Form.MVR, 2, 1, 0, 0x2e, 0);

    /** The two families of prefixes, and instructions that have either. */
    enum Prefix { VEX, EVEX, BOTH }

    /**
     * Which operand stands where: R the register field, V the field of the prefix, M the register or memory, I a byte. RM is a
     * load or a conversion, MR a store, MVR a masked one, VMI a shift by a constant.
     */
    enum Form { RM, MR, RVM, VMI, RMI, MRI, RVMI, MVR }

    /** How many bytes of memory an EVEX instruction touches when it does not broadcast, for its compressed displacements. */
    private static final class Tuple {
        static final int FULL = 0;
        static final int HALF = -1;
        static final int QUARTER = -2;

        private Tuple() {
        }
    }

    private static final int ELEMENT = 4;

    private final Prefix prefix;
    private final Form form;
    private final int map;
    private final int pp;
    private final int w;
    private final int opcode;
    private final int extension;
    private final int tuple;

    Simd(Prefix prefix, Form form, int map, int pp, int w, int opcode, int extension) {
        this(prefix, form, map, pp, w, opcode, extension, Tuple.FULL);
    }

    /**
     * An instruction.
     *
     * @param map 1 for opcodes after 0F, 2 after 0F 38, 3 after 0F 3A
     * @param pp 0 for no prefix, 1 for 66, 2 for F3, 3 for F2
     * @param w the prefix's bit W
     * @param extension what stands in the register field if no register does
     * @param tuple bytes of memory touched, or a {@link Tuple}
     */
    Simd(Prefix prefix, Form form, int map, int pp, int w, int opcode, int extension, int tuple) {
        this.prefix = prefix;
        this.form = form;
        this.map = map;
        this.pp = pp;
        this.w = w;
        this.opcode = opcode;
        this.extension = extension;
        this.tuple = tuple;
    }

    Prefix prefix() {
        return prefix;
    }

    Form form() {
        return form;
    }

    int map() {
        return map;
    }

    int pp() {
        return pp;
    }

    int w() {
        return w;
    }

    int opcode() {
        return opcode;
    }

    int extension() {
        return extension;
    }

    /** What a displacement of 8 bits is multiplied by, in an EVEX instruction of that width. */
    int unit(int bits, boolean broadcast) {
        if (broadcast) {
            return ELEMENT;
        }
        return switch (tuple) {
            case Tuple.FULL -> bits / Byte.SIZE;
            case Tuple.HALF -> bits / Byte.SIZE / 2;
            case Tuple.QUARTER -> bits / Byte.SIZE / 4;
            default -> tuple;
        };
    }
}
