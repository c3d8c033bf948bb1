package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.model.GoldenModel;
import io.jllm.model.ProgramContract;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.ReferenceBackend;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Loader, families and oracle against Hugging Face transformers. */
class FamilyGoldenTest extends ProgramContract {
    @Override
    protected Backend open(int threads) {
        return new ReferenceBackend();
    }

    @Override
    protected List<DType> exactFormats() {
        return List.of(DType.F32);
    }

    @ParameterizedTest
    @FieldSource("io.jllm.model.GoldenModel#NAMES_OF_TWO_STYLES")
    void configurationOfTransformers4(String name) throws IOException {
        check(GoldenModel.unpack(name, "config.transformers-4.json", folder), name, tolerance(DType.F32));
    }

    @Test
    void everyFolderIsTested() throws IOException, URISyntaxException {
        var families = Path.of(GoldenModel.class.getResource("/io/jllm/families/README.md").toURI()).getParent();
        try (var list = Files.walk(families)) {
            var files = list.filter(Files::isRegularFile).collect(Collectors.groupingBy(f -> f.getFileName().toString(),
                    Collectors.mapping(f -> f.getParent().getFileName().toString(), Collectors.toSet())));
            assertEquals(new HashSet<>(GoldenModel.NAMES), files.get("golden.json"));
            assertEquals(new HashSet<>(GoldenModel.NAMES_OF_TWO_STYLES), files.get("config.transformers-4.json"));
        }
    }

    @Test
    void everyLengthIsThere() {
        for (String name : GoldenModel.NAMES) {
            var cases = GoldenModel.read(name).cases();
            assertEquals(List.of(1, 7, 40, 140), cases.stream().map(c -> c.ids().length).toList(), name);
            for (var c : cases) {
                assertEquals(c.ids().length - 1, c.positions()[c.positions().length - 1], name);
                assertEquals(c.positions().length, c.logits().length, name);
            }
        }
    }
}
