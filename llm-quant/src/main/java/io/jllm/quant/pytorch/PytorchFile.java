package io.jllm.quant.pytorch;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.file.FileKind.Wanted;
import io.jllm.quant.file.MappedFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open checkpoint of PyTorch, {@code pytorch_model.bin} or the like, mapped into memory, of any size: the tensors of a dictionary, under
 * its keys. Values of other kinds are left out. Opening reads the pickle in it, in which nothing runs, and checks that every tensor lies inside
 * its storage and the storages inside the file; tensors may share storages.
 *
 * <p>Safe for use by many threads. The file must not be cut short while it is open: reading from a part of a mapping that is gone
 * fails as an {@link InternalError}.
 */
public final class PytorchFile implements AutoCloseable {
    /** Of the pickle; a thousand tensors have 100 KB. */
    private static final long MAX_PICKLE = 64 << 20;
    private static final String PICKLE = "data.pkl";

    private final String file;
    private final Arena arena;
    private final TorchArchive archive;
    private final String prefix;
    private final List<TensorInfo> infos = new ArrayList<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /** Over bytes that live as long as the arena, which it owns. */
    PytorchFile(String file, Arena arena, MemorySegment bytes) {
        this.file = file;
        this.arena = arena;
        archive = new TorchArchive(bytes, file);
        String pickle = archive.names().stream().filter(n -> n.equals(PICKLE) || n.endsWith("/" + PICKLE)).findFirst()
                .orElseThrow(() -> new FormatException(file, "the archive", "has no " + PICKLE + ": it is none of torch.save"));
        prefix = pickle.substring(0, pickle.length() - PICKLE.length());
        checkOrder();
        MemorySegment data = archive.find(pickle).orElseThrow();
        if (data.byteSize() > MAX_PICKLE) {
            throw new FormatException(file, PICKLE, "has " + data.byteSize() + " bytes; the limit is " + MAX_PICKLE);
        }
        Pickled root = TorchPickle.read(data, file);
        if (!(root instanceof Pickled.Dict dict)) {
            throw new FormatException(file, PICKLE, "holds " + root.kind() + "; a dictionary of tensors is wanted");
        }
        dict.entries().forEach(this::add);
    }

    /**
     * Maps a file and reads what is in it.
     *
     * @throws IOException if the file cannot be read
     * @throws FormatException if it is no checkpoint of PyTorch 1.6 or newer, is broken, or holds what is no tensor in a way that needs Python
     */
    public static PytorchFile open(Path path) throws IOException {
        return MappedFile.open(path, Wanted.PYTORCH, PytorchFile::new);
    }

    /** Its tensors, readable or not, in the order of the dictionary. */
    public List<TensorInfo> tensorInfos() {
        return Collections.unmodifiableList(infos);
    }

    /** The readable tensors by the file's own names. */
    public Map<String, Tensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** Gives the mapping back; its tensors must no longer be used. Closing twice does nothing. */
    @Override
    public void close() {
        synchronized (arena) {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        }
    }

    private void checkOrder() {
        Optional<MemorySegment> order = archive.find(prefix + "byteorder");
        if (order.isPresent()) {
            String word = new String(order.get().asSlice(0, Math.min(16, order.get().byteSize())).toArray(ValueLayout.JAVA_BYTE),
                    StandardCharsets.US_ASCII);
            if (!word.strip().equals("little")) {
                throw new FormatException(file, "byteorder", "is \"" + word + "\"; only little-endian files can be read");
            }
        }
    }

    private void add(String name, Pickled value) {
        switch (value) {
            case Pickled.Stored t -> add(name, t);
            case Pickled.Dict d when d.entries().values().stream().anyMatch(v -> v instanceof Pickled.Stored) -> throw new FormatException(file,
                    "key " + name, "holds a dictionary of tensors; they must stand in the outermost one: save that dictionary by itself");
            case Pickled.Text _, Pickled.Whole _, Pickled.Real _, Pickled.Flag _, Pickled.Nothing _, Pickled.Tuple _, Pickled.Dict _, Pickled.Name _,
                 Pickled.Storage _ -> { }
        }
    }

    private void add(String name, Pickled.Stored t) {
        String place = "tensor " + name;
        Pickled.Storage storage = t.storage();
        MemorySegment data = archive.find(prefix + "data/" + storage.key()).orElseThrow(() -> new FormatException(file, place,
                "is in storage " + storage.key() + ", which is not in the archive"));
        int width = storage.elementBytes();
        if (storage.elements() != data.byteSize() / width || data.byteSize() % width != 0) {
            throw new FormatException(file, place, "is in storage " + storage.key() + " of " + storage.elements() + " values of " + width
                    + " bytes, whose entry has " + data.byteSize() + " bytes");
        }
        long elements = checkedElements(place, t);
        if (t.offset() < 0 || t.offset() > storage.elements() || elements > storage.elements() - t.offset()) {
            throw new FormatException(file, place, "of shape " + t.shape() + " begins at value " + t.offset() + " of a storage of "
                    + storage.elements());
        }
        var info = new TensorInfo(name, storage.dtype(), storage.type(), t.shape(), elements * width);
        infos.add(info);
        storage.type().ifPresent(type -> tensors.put(name, new Tensor(name, type, info.rows(), info.cols(),
                data.asSlice(t.offset() * width, elements * width))));
    }

    /** How many values it has, which must stand one after another: the last dimension without a gap, and so on. */
    private long checkedElements(String place, Pickled.Stored t) {
        long elements = 1;
        boolean contiguous = true;
        for (int d = t.shape().size() - 1; d >= 0; d--) {
            long size = t.shape().get(d);
            contiguous &= size == 1 || t.strides().get(d) == elements;
            if (size != 0 && elements > Long.MAX_VALUE / Long.BYTES / size) {
                throw new FormatException(file, place, "has the shape " + t.shape() + ", more values than any file holds");
            }
            elements *= size;
        }
        if (!contiguous && elements > 0) {
            boolean transposed = t.shape().size() == 2 && t.strides().get(0) == 1 && t.strides().get(1).equals(t.shape().get(0));
            throw new FormatException(file, place, "of shape " + t.shape() + (transposed ? " is stored transposed"
                    : " is stored with strides " + t.strides() + ", not one value after another")
                    + ": save it as tensor.contiguous(), or the model as safetensors");
        }
        return elements;
    }

    /**
     * One tensor.
     *
     * @param name its name
     * @param dtype its type, as safetensors files call it
     * @param type the type, if its values can be held as a {@link Tensor}
     * @param shape dimensions: the contiguous one last, none for a scalar
     * @param bytes bytes of its data
     */
    public record TensorInfo(String name, String dtype, Optional<DType> type, List<Long> shape, long bytes) {
        /** The product of all dimensions but the last; 1 for a vector. */
        public long rows() {
            return shape.stream().limit(Math.max(0, shape.size() - 1)).reduce(1L, Math::multiplyExact);
        }

        /** Values a row: the last dimension; 1 for a scalar. */
        public long cols() {
            return shape.isEmpty() ? 1 : shape.getLast();
        }
    }
}
