package io.jllm.tokenizer.sentencepiece;

import io.jllm.ModelLoadException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads a message of Protocol Buffers, field by field. Source: the description of its encoding
 * ({@code protobuf.dev/programming-guides/encoding}).
 */
final class Protobuf {
    private static final int VARINT = 0;
    private static final int FIXED_64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED_32 = 5;

    private final String where;
    private final ByteBuffer in;
    private int wire;

    Protobuf(String where, ByteBuffer message) {
        this.where = where;
        in = message.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Goes to the next field: its number, 0 at the end. What it holds is to be read, or skipped. */
    int next() {
        if (!in.hasRemaining()) {
            return 0;
        }
        long tag = varint();
        wire = (int) (tag & 7);
        long field = tag >>> 3;
        if (field == 0 || field > Integer.MAX_VALUE) {
            throw broken();
        }
        return (int) field;
    }

    /** A whole number, an enumeration's constant, or a boolean as 0 or 1. */
    long integer() {
        expect(VARINT);
        return varint();
    }

    boolean bool() {
        return integer() != 0;
    }

    float real() {
        expect(FIXED_32);
        need(Float.BYTES);
        return in.getFloat();
    }

    String text() {
        return StandardCharsets.UTF_8.decode(bytes()).toString();
    }

    Protobuf message() {
        return new Protobuf(where, bytes());
    }

    ByteBuffer bytes() {
        expect(BYTES);
        long length = varint();
        need(length);
        ByteBuffer part = in.slice(in.position(), (int) length);
        in.position(in.position() + (int) length);
        return part;
    }

    /** Passes over a field that is not asked about. */
    void skip() {
        switch (wire) {
            case VARINT -> varint();
            case FIXED_64 -> pass(Long.BYTES);
            case BYTES -> bytes();
            case FIXED_32 -> pass(Integer.BYTES);
            default -> throw broken();
        }
    }

    private void pass(int bytes) {
        need(bytes);
        in.position(in.position() + bytes);
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            need(1);
            byte b = in.get();
            value |= (long) (b & 0x7F) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw broken();
    }

    private void expect(int kind) {
        if (wire != kind) {
            throw broken();
        }
    }

    private void need(long bytes) {
        if (bytes < 0 || bytes > in.remaining()) {
            throw broken();
        }
    }

    private ModelLoadException broken() {
        return new ModelLoadException(where + " is no SentencePiece model, or is broken at byte " + in.position() + " of a part of " + in.capacity()
                + ": download it again");
    }
}
