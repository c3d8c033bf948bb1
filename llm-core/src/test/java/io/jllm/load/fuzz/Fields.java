package io.jllm.load.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Where the fields of a sound file's header are, so that damage meets counts, lengths, types and offsets more often than chance would have it. */
final class Fields {
    private final ByteBuffer in;
    private final List<Integer> places = new ArrayList<>();

    private Fields(byte[] file) {
        in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The first byte of each field; at least one. */
    static int[] of(String name, byte[] file) {
        var fields = new Fields(file);
        fields.places.add(0);
        if (name.endsWith(".gguf")) {
            fields.gguf();
        } else if (name.endsWith(".bin")) {
            fields.zip(file);
        } else if (name.endsWith(".model")) {
            fields.protobuf(file.length, 0);
        }
        return fields.places.stream().mapToInt(p -> p).toArray();
    }

    private void gguf() {
        mark(4);
        mark(4);
        long tensors = mark(8);
        long entries = mark(8);
        for (long i = 0; i < entries; i++) {
            string();
            value((int) mark(4));
        }
        for (long i = 0; i < tensors; i++) {
            string();
            long dimensions = mark(4);
            for (long d = 0; d < dimensions; d++) {
                mark(8);
            }
            mark(4);
            mark(8);
        }
    }

    /** Tags and lengths of a message, and those of the messages in it, which are two deep. */
    private void protobuf(int end, int depth) {
        while (in.position() < end) {
            long tag = varint();
            switch ((int) tag & 7) {
                case 0 -> varint();
                case 1 -> mark(8);
                case 2 -> {
                    int length = (int) varint();
                    int after = in.position() + length;
                    if (depth == 0) {
                        protobuf(after, depth + 1);
                    } else if (length > 0) {
                        places.add(in.position());
                    }
                    in.position(after);
                }
                default -> mark(4);
            }
        }
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            long part = mark(1);
            value |= (part & 0x7F) << shift;
            if (part >= 0) {
                return value;
            }
        }
    }

    private void value(int type) {
        switch (type) {
            case 0, 1, 7 -> mark(1);
            case 2, 3 -> mark(2);
            case 4, 5, 6 -> mark(4);
            case 8 -> string();
            case 9 -> {
                int element = (int) mark(4);
                long count = mark(8);
                for (long i = 0; i < count; i++) {
                    value(element);
                }
            }
            default -> mark(8);
        }
    }

    private void string() {
        long length = mark(8);
        if (length > 0) {
            places.add(in.position());
        }
        in.position(in.position() + (int) length);
    }

    private long mark(int bytes) {
        places.add(in.position());
        return switch (bytes) {
            case 1 -> in.get();
            case 2 -> in.getShort();
            case 4 -> in.getInt();
            default -> in.getLong();
        };
    }

    /** The headers of entries, the directory, and the pickle, which is the first entry. */
    private void zip(byte[] file) {
        String text = new String(file, StandardCharsets.ISO_8859_1);
        for (int at = text.indexOf("PK"); at >= 0; at = text.indexOf("PK", at + 2)) {
            for (int i = 0; i < 46 && at + i < file.length; i += 2) {
                places.add(at + i);
            }
        }
        int end = text.indexOf("PK", 4);
        for (int at = 30; at < end; at++) {
            places.add(at);
        }
    }
}
