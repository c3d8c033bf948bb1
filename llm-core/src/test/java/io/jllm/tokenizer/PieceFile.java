package io.jllm.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes SentencePiece models for tests: of the kind BPE, unless other fields say otherwise. */
public final class PieceFile {
    private final ByteArrayOutputStream pieces = new ByteArrayOutputStream();
    private final ByteArrayOutputStream trainer = new ByteArrayOutputStream();
    private final ByteArrayOutputStream normalizer = new ByteArrayOutputStream();
    private final ByteArrayOutputStream others = new ByteArrayOutputStream();

    /** Of the pieces {@code <unk>}, {@code <s>} and {@code </s>}, then normal ones, each scored lower than the one before. */
    public static PieceFile of(String... normal) {
        var file = new PieceFile().piece("<unk>", 0, 2).piece("<s>", 0, 3).piece("</s>", 0, 3).trainer(3, 2).normalizer(4, 0);
        for (int i = 0; i < normal.length; i++) {
            file.piece(normal[i], -i, 1);
        }
        return file;
    }

    /** @param type 1 to 6: normal, unknown, control, user-defined, unused, byte */
    public PieceFile piece(String text, float score, int type) {
        var piece = new ByteArrayOutputStream();
        bytes(piece, 1, text.getBytes(StandardCharsets.UTF_8));
        piece.write(2 << 3 | 5);
        piece.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(score).array());
        number(piece, 3, type);
        bytes(pieces, 1, piece.toByteArray());
        return this;
    }

    /** A field of {@code trainer_spec}; of several of one number the last counts. */
    public PieceFile trainer(int field, long value) {
        number(trainer, field, value);
        return this;
    }

    /** A field of {@code normalizer_spec}. */
    public PieceFile normalizer(int field, long value) {
        number(normalizer, field, value);
        return this;
    }

    /** A field of {@code normalizer_spec} that holds bytes. */
    public PieceFile normalizer(int field, byte[] value) {
        bytes(normalizer, field, value);
        return this;
    }

    /** Another message of the model, of one field that holds bytes. */
    public PieceFile other(int message, int field, byte[] value) {
        var inner = new ByteArrayOutputStream();
        bytes(inner, field, value);
        bytes(others, message, inner.toByteArray());
        return this;
    }

    public byte[] toBytes() {
        var file = new ByteArrayOutputStream();
        file.writeBytes(pieces.toByteArray());
        bytes(file, 2, trainer.toByteArray());
        bytes(file, 3, normalizer.toByteArray());
        file.writeBytes(others.toByteArray());
        return file.toByteArray();
    }

    private static void number(ByteArrayOutputStream out, int field, long value) {
        varint(out, (long) field << 3);
        varint(out, value);
    }

    private static void bytes(ByteArrayOutputStream out, int field, byte[] value) {
        varint(out, (long) field << 3 | 2);
        varint(out, value.length);
        out.writeBytes(value);
    }

    private static void varint(ByteArrayOutputStream out, long value) {
        for (long rest = value; ; rest >>>= 7) {
            if ((rest & ~0x7FL) == 0) {
                out.write((int) rest);
                return;
            }
            out.write((int) (rest & 0x7F | 0x80));
        }
    }
}
