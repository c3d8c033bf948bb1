package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.file.FileKind.Wanted;
import io.jllm.quant.file.MappedFile;
import io.jllm.quant.gguf.GgufFile.TensorInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;

/** One mapped file: a whole model, or a part of one that is split. Opening it checks that every tensor lies inside, apart from the others. */
final class GgufPart implements AutoCloseable {
    private final String file;
    private final Arena arena;
    private final GgufHeader header;
    private final Map<String, Tensor> tensors;

    /** Over bytes that live as long as the arena, which it owns. */
    GgufPart(String file, Arena arena, MemorySegment bytes) {
        this.file = file;
        this.arena = arena;
        this.header = GgufHeader.read(new GgufCursor(bytes, file));
        this.tensors = tensors(bytes);
    }

    static GgufPart open(Path path) throws IOException {
        return MappedFile.open(path, Wanted.GGUF, GgufPart::new);
    }

    /** The file, as the user named it. */
    String file() {
        return file;
    }

    GgufHeader header() {
        return header;
    }

    /** Those of known types, in file order. */
    Map<String, Tensor> tensors() {
        return tensors;
    }

    /** Closing twice does nothing. */
    @Override
    public void close() {
        synchronized (arena) {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        }
    }

    private Map<String, Tensor> tensors(MemorySegment bytes) {
        var found = new LinkedHashMap<String, Tensor>();
        var placed = new ArrayList<TensorInfo>();
        for (TensorInfo info : header.tensors()) {
            String place = "tensor " + info.name();
            long left = Math.max(0, bytes.byteSize() - header.dataStart());
            if (info.offset() > left) {
                throw new FormatException(file, place, "starts at offset " + info.offset() + " of a data part of " + left + " bytes");
            }
            if (info.type().isEmpty()) {
                continue;
            }
            DType type = info.type().get();
            long rows = rows(info);
            long size = size(info, type, rows);
            if (size > left - info.offset()) {
                throw new FormatException(file, place, "needs " + size + " bytes from offset " + info.offset()
                        + " on; the data part has " + left + ": the file is cut short or its header is wrong");
            }
            found.put(info.name(), new Tensor(info.name(), type, rows, info.cols(),
                    bytes.asSlice(size == 0 ? 0 : header.dataStart() + info.offset(), size)));
            if (size > 0) {
                placed.add(info);
            }
        }
        placed.sort(Comparator.comparingLong(TensorInfo::offset));
        for (int i = 1; i < placed.size(); i++) {
            TensorInfo before = placed.get(i - 1);
            long end = before.offset() + found.get(before.name()).data().byteSize();
            if (end > placed.get(i).offset()) {
                throw new FormatException(file, "tensor " + placed.get(i).name(), "starts at offset " + placed.get(i).offset()
                        + ", inside tensor " + before.name() + ", which ends at " + end);
            }
        }
        return found;
    }

    private long rows(TensorInfo info) {
        long rows = 1;
        for (int d = 1; d < info.shape().size(); d++) {
            rows = saturated(rows, info.shape().get(d));
        }
        return rows;
    }

    private long size(TensorInfo info, DType type, long rows) {
        String place = "tensor " + info.name();
        if (info.cols() % type.blockElements() != 0) {
            throw new FormatException(file, place, "has rows of " + info.cols() + " elements, which do not fill blocks of "
                    + type.blockElements() + " (" + type + ")");
        }
        long size = saturated(saturated(info.cols() / type.blockElements(), type.blockBytes()), rows);
        if (size == Long.MAX_VALUE || rows == Long.MAX_VALUE) {
            throw new FormatException(file, place, "has the shape " + info.shape() + ", more elements than any file holds");
        }
        return size;
    }

    private static long saturated(long a, long b) {
        return a != 0 && b > Long.MAX_VALUE / a ? Long.MAX_VALUE : a * b;
    }
}
