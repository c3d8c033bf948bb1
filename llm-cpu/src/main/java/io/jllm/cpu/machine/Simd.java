package io.jllm.cpu.machine;

import static io.jllm.cpu.machine.Simd.Prefix.EVEX;
import static io.jllm.cpu.machine.Simd.Prefix.VEX;

/** The vector instructions in use: how each is encoded. Forms, in the order in which operands are written: see {@link Form}. */
enum Simd {
    // AVX-512
    VMOVUPS(EVEX, Form.RM, 1, 0, 0, 0x10, 0), VMOVUPS_STORE(EVEX, Form.MR, 1, 0, 0, 0x11, 0),
    VMOVDQU32(EVEX, Form.RM, 1, 2, 0, 0x6f, 0),
    VPANDD(EVEX, Form.RVM, 1, 1, 0, 0xdb, 0), VPXORD(EVEX, Form.RVM, 1, 1, 0, 0xef, 0),
    VPADDD(EVEX, Form.RVM, 1, 1, 0, 0xfe, 0), VPMAXSD(EVEX, Form.RVM, 2, 1, 0, 0x3d, 0),
    VPSRLW(EVEX, Form.VMI, 1, 1, 0, 0x71, 2),
    VPDPBUSD(EVEX, Form.RVM, 2, 1, 0, 0x50, 0),
    VPBROADCASTD(EVEX, Form.RM, 2, 1, 0, 0x58, 0, 4), VPBROADCASTD_GPR(EVEX, Form.RM, 2, 1, 0, 0x7c, 0),
    VBROADCASTSS(EVEX, Form.RM, 2, 1, 0, 0x18, 0, 4),
    VCVTPH2PS(EVEX, Form.RM, 2, 1, 0, 0x13, 0, Tuple.HALF), VCVTDQ2PS(EVEX, Form.RM, 1, 0, 0, 0x5b, 0),
    VCVTPS2DQ(EVEX, Form.RM, 1, 1, 0, 0x5b, 0), VPMOVDB(EVEX, Form.MR, 2, 2, 0, 0x31, 0, Tuple.QUARTER),
    VMULPS(EVEX, Form.RVM, 1, 0, 0, 0x59, 0), VADDPS(EVEX, Form.RVM, 1, 0, 0, 0x58, 0),
    VFMADD231PS(EVEX, Form.RVM, 2, 1, 0, 0xb8, 0),
    VEXTRACTI64X4(EVEX, Form.MRI, 3, 1, 1, 0x3b, 0, 32),
    // AVX and AVX2
    VMOVD_STORE(VEX, Form.MR, 1, 1, 0, 0x7e, 0), VMOVD(VEX, Form.RM, 1, 1, 0, 0x6e, 0),
    VMOVSS_STORE(VEX, Form.MR, 1, 2, 0, 0x11, 0),
    VEXTRACTI128(VEX, Form.MRI, 3, 1, 0, 0x39, 0), VPSHUFD(VEX, Form.RMI, 1, 1, 0, 0x70, 0),
    VPMAXSD_YMM(VEX, Form.RVM, 2, 1, 0, 0x3d, 0), VPADDD_YMM(VEX, Form.RVM, 1, 1, 0, 0xfe, 0),
    VPSUBD_YMM(VEX, Form.RVM, 1, 1, 0, 0xfa, 0), VPXOR_YMM(VEX, Form.RVM, 1, 1, 0, 0xef, 0),
    VDIVSS(VEX, Form.RVM, 1, 2, 0, 0x5e, 0), VPSLLD_YMM(VEX, Form.VMI, 1, 1, 0, 0x72, 6);

    /** The two families of prefixes. */
    enum Prefix { VEX, EVEX }

    /**
     * Which operand stands where: R the register field, V the field of the prefix, M the register or memory, I a byte. RM is a
     * load or a conversion, MR a store, VMI a shift by a constant.
     */
    enum Form { RM, MR, RVM, VMI, RMI, MRI }

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

    boolean evex() {
        return prefix == EVEX;
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
