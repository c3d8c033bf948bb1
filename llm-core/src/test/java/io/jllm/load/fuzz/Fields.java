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
