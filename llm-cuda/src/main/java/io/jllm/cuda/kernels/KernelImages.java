package io.jllm.cuda.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The compiled kernels in the jar, as the build left them: cubins for some architectures, and PTX that newer devices compile for themselves.
 *
 * @param missing why there are none; empty if there are
 * @param version the version of CUDA that compiled them, as a driver gives its own
 * @param files names of the kernel files
 * @param only kinds of images that there are of a file, for those that are for some devices alone
 * @param names of the kernels and constants that a file has in some kind of image; one that has none here may have any
 * @param cubins architectures with machine code, as nvcc names them: {@code 90a}
 * @param ptx compute capability that the PTX needs, as in {@link #image}
 */
public record KernelImages(Optional<String> missing, int version, List<String> files, Map<String, List<String>> only,
        Map<String, Set<String>> names, List<String> cubins, int ptx) {
    private static final String ONLY = "only.";
    private static final String FOLDER = "/io/jllm/cuda/kernels/";

    /** Copies the collections. */
    public KernelImages {
        files = List.copyOf(files);
        only = Map.copyOf(only);
        names = Map.copyOf(names);
        cubins = List.copyOf(cubins);
    }

    /** Those in the jar. */
    public static KernelImages packaged() {
        return properties("index").map(KernelImages::of)
                .orElseGet(() -> none("this build of llm-cuda has no kernels: it was not made by its Maven build"));
    }

    private static KernelImages of(Properties index) {
        if (index.containsKey("missing")) {
            return none(index.getProperty("missing"));
        }
        String[] release = index.getProperty("release").split("\\.");
        return new KernelImages(Optional.empty(), 1000 * Integer.parseInt(release[0]) + 10 * Integer.parseInt(release[1]),
                list(index, "files"), lists(index, ONLY, List::copyOf),
                properties("names").map(names -> lists(names, "", Set::copyOf)).orElse(Map.of()), list(index, "cubins"),
                Integer.parseInt(index.getProperty("ptx")));
    }

    private static Optional<Properties> properties(String name) {
        try (InputStream in = KernelImages.class.getResourceAsStream(FOLDER + name + ".properties")) {
            if (in == null) {
                return Optional.empty();
            }
            var properties = new Properties();
            properties.load(in);
            return Optional.of(properties);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static KernelImages none(String why) {
        return new KernelImages(Optional.of(why), 0, List.of(), Map.of(), Map.of(), List.of(), 0);
    }

    /** What the index says of files, under keys that begin so. */
    private static <T> Map<String, T> lists(Properties index, String prefix, Function<List<String>, T> make) {
        return index.stringPropertyNames().stream().filter(key -> key.startsWith(prefix))
                .collect(Collectors.toMap(key -> key.substring(prefix.length()), key -> make.apply(list(index, key))));
    }

    private static List<String> list(Properties index, String key) {
        return Stream.of(index.getProperty(key).split(",")).filter(s -> !s.isBlank()).toList();
    }

    /** The oldest driver that can load them: a driver runs what any compiler of its own major version made. */
    public int oldestDriver() {
        return version / 1000 * 1000;
    }

    /**
     * The kind of image that suits a device: the architecture of a cubin, or {@code ptx}; empty if none does. A cubin runs on devices of its major
     * version and no lower minor one; one with a letter on its own only.
     *
     * @param capability compute capability: 90 is 9.0
     */
    public Optional<String> image(int capability) {
        Optional<String> exact = cubins.stream().filter(c -> c.equals(capability + "a")).findFirst();
        Optional<String> best = cubins.stream().filter(c -> c.chars().allMatch(Character::isDigit))
                .filter(c -> Integer.parseInt(c) / 10 == capability / 10 && Integer.parseInt(c) <= capability)
                .max((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b)));
        return exact.or(() -> best).or(() -> capability >= ptx ? Optional.of("ptx") : Optional.empty());
    }

    /** The files that there are in a kind of image. */
    List<String> files(String image) {
        return files.stream().filter(f -> !only.containsKey(f) || only.get(f).contains(image)).toList();
    }

    /** Whether a file may have a kernel or a constant of that name, as far as is known without loading it. */
    boolean mayHave(String file, String name) {
        Set<String> known = names.get(file);
        return known == null || known.contains(name);
    }

    /** The bytes of a kernel file in that kind of image. */
    static byte[] read(String file, String image) {
        String name = FOLDER + file + (image.equals("ptx") ? ".ptx" : ".sm_" + image + ".cubin");
        try (InputStream in = KernelImages.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the kernels " + name + " are missing from the jar of llm-cuda");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
