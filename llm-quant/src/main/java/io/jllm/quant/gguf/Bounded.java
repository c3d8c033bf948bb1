package io.jllm.quant.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Lets through exactly as many bytes as a tensor has; closing it leaves the file open. */
final class Bounded implements WritableByteChannel {
    private final WritableByteChannel channel;
    private final String tensor;
    private final long bytes;
    private long written;
    private boolean open = true;

    Bounded(WritableByteChannel channel, String tensor, long bytes) {
        this.channel = channel;
        this.tensor = tensor;
        this.bytes = bytes;
    }

    @Override
    public int write(ByteBuffer src) throws IOException {
        int n = src.remaining();
        if (!open || n > bytes - written) {
            throw new IOException("tensor " + tensor + " has " + bytes + " bytes; " + (written + n) + " or more were written"
                    + (open ? "" : ", after the end"));
        }
        while (src.hasRemaining()) {
            channel.write(src);
        }
        written += n;
        return n;
    }

    void finish() throws IOException {
        open = false;
        if (written != bytes) {
            throw new IOException("tensor " + tensor + " has " + bytes + " bytes; only " + written + " were written");
        }
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        open = false;
    }
}
