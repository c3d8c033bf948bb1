package io.jllm.tokenizer.sentencepiece;

import io.jllm.ModelLoadException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A SentencePiece model: its pieces, whose places are their ids, and what becomes of a text before it is cut. Source:
 * {@code sentencepiece_model.proto}.
 *
 * @param type how pieces are found in a text
 * @param bos the piece that begins a sequence, negative if there is none
 * @param eos the piece that ends one, negative if there is none
 * @param unknown stands for characters that are no pieces
 * @param dummyPrefix whether a space goes before a text
 * @param removesSpaces whether spaces at the ends, and all but one of those that stand together, are left out
 */
public record SentencePieceModel(Type type, List<Piece> pieces, int bos, int eos, int unknown, boolean dummyPrefix, boolean removesSpaces,
        Optional<Charsmap> charsmap) {
    /**
     * A piece.
     *
     * @param score the higher, the sooner it is merged, or the likelier it is
     */
    public record Piece(String text, float score, Kind kind) {
    }

    /** In the order of their numbers in the file, which begin at 1. */
    public enum Kind {
        NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE
    }

    /** In the order of their numbers in the file, which begin at 1. */
    public enum Type {
        /** The likeliest of all ways to cut a text into pieces. */
        UNIGRAM,
        /** Pieces merge. */
        BPE
    }

    private static final List<String> TYPES = List.of("unigram", "BPE", "word", "char");

    /** What a model is read into, with the values that the format has for what is left out. */
    private static final class Draft {
        final List<Piece> pieces = new ArrayList<>();
        long type = 1;
        int unknown;
        int bos = 1;
        int eos = 2;
        boolean spaceAfter;
        boolean dummyPrefix = true;
        boolean removesSpaces = true;
        boolean marksSpaces = true;
        Optional<Charsmap> charsmap = Optional.empty();
    }

    /**
     * Reads one.
     *
     * @param where the file, for messages
     */
    public static SentencePieceModel read(String where, byte[] file) {
        var draft = new Draft();
        var in = new Protobuf(where, ByteBuffer.wrap(file));
        for (int field; (field = in.next()) != 0; ) {
            switch (field) {
                case 1 -> draft.pieces.add(piece(where, draft.pieces.size(), in.message()));
                case 2 -> trainer(in.message(), draft);
                case 3 -> normalizer(where, in.message(), draft);
                case 5 -> denormalizer(where, in.message());
                default -> in.skip();
            }
        }
        return checked(where, draft);
    }

    private static SentencePieceModel checked(String where, Draft draft) {
        if (draft.pieces.isEmpty()) {
            throw new ModelLoadException(where + " is no SentencePiece model: it has no pieces");
        }
        if (draft.type < 1 || draft.type > Type.values().length) {
            throw new ModelLoadException(where + ": trainer_spec.model_type is " + draft.type + (draft.type >= 1 && draft.type <= TYPES.size()
                    ? " (" + TYPES.get((int) draft.type - 1) + ")" : "") + ", which is not known here; known are 1 (unigram) and 2 (BPE)");
        }
        if (draft.spaceAfter) {
            throw new ModelLoadException(where + ": trainer_spec.treat_whitespace_as_suffix is true; known is false");
        }
        if (!draft.marksSpaces) {
            throw new ModelLoadException(where + ": normalizer_spec.escape_whitespaces is false; known is true");
        }
        int size = draft.pieces.size();
        if (draft.unknown < 0 || draft.unknown >= size) {
            throw new ModelLoadException(where + ": trainer_spec.unk_id is " + draft.unknown + "; pieces are 0 to " + (size - 1));
        }
        Type type = Type.values()[(int) draft.type - 1];
        return new SentencePieceModel(type, List.copyOf(draft.pieces), draft.bos < size ? draft.bos : -1, draft.eos < size ? draft.eos : -1,
                draft.unknown, draft.dummyPrefix, draft.removesSpaces, draft.charsmap);
    }

    private static Piece piece(String where, int id, Protobuf in) {
        String text = "";
        float score = 0;
        long kind = 1;
        for (int field; (field = in.next()) != 0; ) {
            switch (field) {
                case 1 -> text = in.text();
                case 2 -> score = in.real();
                case 3 -> kind = in.integer();
                default -> in.skip();
            }
        }
        if (text.isEmpty()) {
            throw new ModelLoadException(where + " has an empty piece, number " + id + ": no reader of SentencePiece models takes such a file");
        }
        if (kind < 1 || kind > Kind.values().length) {
            throw new ModelLoadException(where + " has a piece \"" + text + "\" of type " + kind + ": types are 1 to " + Kind.values().length);
        }
        return new Piece(text, score, Kind.values()[(int) kind - 1]);
    }

    private static void trainer(Protobuf in, Draft draft) {
        for (int field; (field = in.next()) != 0; ) {
            switch (field) {
                case 3 -> draft.type = in.integer();
                case 24 -> draft.spaceAfter = in.bool();
                case 40 -> draft.unknown = (int) in.integer();
                case 41 -> draft.bos = (int) in.integer();
                case 42 -> draft.eos = (int) in.integer();
                default -> in.skip();
            }
        }
    }

    private static void normalizer(String where, Protobuf in, Draft draft) {
        for (int field; (field = in.next()) != 0; ) {
            switch (field) {
                case 2 -> draft.charsmap = Charsmap.read(where + ": normalizer_spec.precompiled_charsmap", in.bytes());
                case 3 -> draft.dummyPrefix = in.bool();
                case 4 -> draft.removesSpaces = in.bool();
                case 5 -> draft.marksSpaces = in.bool();
                default -> in.skip();
            }
        }
    }

    /** Changes text after decoding; none of the models in use does. */
    private static void denormalizer(String where, Protobuf in) {
        for (int field; (field = in.next()) != 0; ) {
            if (field == 2 && in.bytes().hasRemaining()) {
                throw new ModelLoadException(where + ": denormalizer_spec has a precompiled_charsmap; known are models without");
            } else if (field != 2) {
                in.skip();
            }
        }
    }
}
