package io.jllm.quant.gguf;

import io.jllm.quant.gguf.GgufWriter.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Writes the header of a GGUF file through a buffer, and knows the position in the file. */
final class GgufOutput {
    private final WritableByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private long flushed;

    GgufOutput(WritableByteChannel channel) {
        this.channel = channel;
    }

    /** Bytes written so far, here and past this buffer. */
    long position() {
        return flushed + buffer.position();
    }

    /** Counts bytes that others wrote to the channel; the buffer is empty then. */
    void skipped(long bytes) {
        flushed += bytes;
    }

    void header(Map<String, GgufValue> metadata, List<TensorEntry> tensors, List<Long> offsets) throws IOException {
        int32(GgufHeader.MAGIC);
        int32(GgufHeader.VERSION);
        int64(tensors.size());
        int64(metadata.size());
        for (Map.Entry<String, GgufValue> e : metadata.entrySet()) {
            key(e.getKey());
            int32(e.getValue().type().ordinal());
            value(e.getValue());
        }
        for (int i = 0; i < tensors.size(); i++) {
            TensorEntry t = tensors.get(i);
            string(t.name());
            int32(t.shape().size());
            for (long n : t.shape()) {
                int64(n);
            }
            int32(t.type().ggmlId());
            int64(offsets.get(i));
        }
    }

    /** Fills with zeros up to the next multiple, and empties the buffer. */
    void pad(long alignment) throws IOException {
        zeros(-position() & (alignment - 1));
    }

    /** Writes zeros and empties the buffer. */
    void zeros(long n) throws IOException {
        for (long left = n; left > 0; ) {
            room(1);
            int piece = (int) Math.min(left, buffer.remaining());
            buffer.put(new byte[piece]);
            left -= piece;
        }
        flush();
    }

    private void key(String key) throws IOException {
        int length = utf8(key).length;
        if (length < 1 || length > GgufHeader.MAX_NAME) {
            throw new IllegalArgumentException("metadata key \"" + key + "\" has " + length + " bytes, must have 1 to "
                    + GgufHeader.MAX_NAME);
        }
        string(key);
    }

    private void value(GgufValue value) throws IOException {
        switch (value) {
            case GgufValue.Int i -> integer(i.type(), i.value());
            case GgufValue.Real r -> real(r.type(), r.value());
            case GgufValue.Bool b -> int8(b.value() ? 1 : 0);
            case GgufValue.Text t -> string(t.value());
            case GgufValue.Array a -> array(a);
        }
    }

    private void array(GgufValue.Array array) throws IOException {
        int32(array.elementType().ordinal());
        int64(array.size());
        switch (array) {
            case GgufValue.Ints i -> {
                for (long v : i.values()) {
                    integer(i.elementType(), v);
                }
            }
            case GgufValue.Reals r -> {
                for (double v : r.values()) {
                    real(r.elementType(), v);
                }
            }
            case GgufValue.Bools b -> {
                for (boolean v : b.values()) {
                    int8(v ? 1 : 0);
                }
            }
            case GgufValue.Texts t -> {
                for (String v : t.values()) {
                    string(v);
                }
            }
            case GgufValue.Nested n -> {
                for (GgufValue.Array v : n.values()) {
                    array(v);
                }
            }
        }
    }

    private void integer(GgufValue.Type type, long value) throws IOException {
        switch (type.leastBytes()) {
            case 1 -> int8((int) value);
            case 2 -> {
                room(2);
                buffer.putShort((short) value);
            }
            case 4 -> int32((int) value);
            default -> int64(value);
        }
    }

    private void real(GgufValue.Type type, double value) throws IOException {
        if (type == GgufValue.Type.FLOAT32) {
            int32(Float.floatToRawIntBits((float) value));
        } else {
            int64(Double.doubleToRawLongBits(value));
        }
    }

    private void int8(int value) throws IOException {
        room(1);
        buffer.put((byte) value);
    }

    private void int32(int value) throws IOException {
        room(4);
        buffer.putInt(value);
    }

    private void int64(long value) throws IOException {
        room(8);
        buffer.putLong(value);
    }

    private void string(String text) throws IOException {
        byte[] utf8 = utf8(text);
        int64(utf8.length);
        for (int at = 0; at < utf8.length; ) {
            room(1);
            int piece = Math.min(utf8.length - at, buffer.remaining());
            buffer.put(utf8, at, piece);
            at += piece;
        }
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void room(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            flush();
        }
    }

    private void flush() throws IOException {
        flushed += buffer.position();
        buffer.flip();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        buffer.clear();
    }
}
