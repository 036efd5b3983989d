"""The frameworks that an export can be for: the files each needs beside the C, as templates."""

from __future__ import annotations

from dataclasses import dataclass

Templates = tuple[tuple[str, str], ...]
"""Pairs of a template and the path it is written to; `{id}` in a path stands for the network's name in C."""


@dataclass(frozen=True)
class Framework:
    """One framework. `files` come with each export, `protocol_files` where the serial protocol is wanted.

    `example` is a program that prints the known answers, `board` a C string with the board's name, `window` how many
    received bytes may wait while a request is answered. `steps` are lines of the README, `protocol_steps` those with
    the protocol, `library_steps` those with static libraries where they differ. `has_port` says that the framework's
    serial port is there; elsewhere the user gives two functions.
    """

    name: str
    title: str
    files: Templates
    protocol_files: Templates
    steps: tuple[str, ...]
    protocol_steps: tuple[str, ...]
    board: str
    window: int = 4096
    has_port: bool = True
    library_steps: tuple[str, ...] = ()


# One frame with ALPHARHO_MAX_PAYLOAD bytes: many cores keep no more than 64 received bytes.
ONE_FRAME = 1088

CMAKE = Framework(
    name="cmake",
    title="CMake",
    files=(("cmake/CMakeLists.txt", "CMakeLists.txt"), ("example.c", "examples/answers/main.c")),
    protocol_files=(("cmake/serve.c", "examples/serve/main.c"),),
    steps=(
        "add_subdirectory(this_folder) in your CMakeLists.txt, then target_link_libraries(your_program {id}).",
        "To try it here: cmake -B build && cmake --build build && build/{id}_answers",
    ),
    protocol_steps=("The line is yours: fill in struct {id}_line as examples/serve does, then call begin and poll.",),
    board='"cmake"',
    has_port=False,
    library_steps=(
        "add_subdirectory(this_folder) in your CMakeLists.txt, then target_link_libraries(your_program {id}).",
        "To choose the library: cmake -B build -D{upper}_CORE=CORE, with your toolchain file.",
    ),
)
ARDUINO = Framework(
    name="arduino",
    title="Arduino",
    files=(
        ("arduino/library.properties", "library.properties"), ("arduino/Answers.ino", "examples/Answers/Answers.ino"),
    ),
    protocol_files=(("serial/arduino.cpp", "src/{id}/serial.cpp"), ("arduino/Serve.ino", "examples/Serve/Serve.ino")),
    steps=(
        "Put this folder, named {id}, into the sketchbook's folder libraries; then File > Examples > {id} > Answers.",
        "Or: arduino-cli compile --library . --fqbn FQBN --upload --port PORT examples/Answers",
    ),
    protocol_steps=("examples/Serve answers on Serial at 115200 baud.",),
    board='"arduino"',
    window=ONE_FRAME,
)  # fmt: skip
PLATFORMIO = Framework(
    name="platformio",
    title="PlatformIO",
    files=(
        ("platformio/library.json", "library.json"),
        ("platformio/platformio.ini", "examples/answers/platformio.ini"),
        ("platformio/answers.cpp", "examples/answers/src/main.cpp"),
    ),
    protocol_files=(
        ("serial/arduino.cpp", "src/{id}/serial.cpp"),
        ("platformio/platformio.ini", "examples/serve/platformio.ini"),
        ("platformio/serve.cpp", "examples/serve/src/main.cpp"),
    ),
    steps=(
        "Put this folder into the folder lib of your project, or: lib_deps = symlink:///path/of/this/folder",
        "To try it: set platform and board in examples/answers/platformio.ini; pio run -d examples/answers -t upload",
    ),
    protocol_steps=("examples/serve answers on Serial at 115200 baud, with the Arduino framework.",),
    board='"platformio"',
    window=ONE_FRAME,
)
PICO_SDK = Framework(
    name="pico-sdk",
    title="Pico SDK",
    files=(("pico-sdk/CMakeLists.txt", "CMakeLists.txt"), ("example.c", "examples/answers/main.c")),
    protocol_files=(("serial/pico.c", "src/{id}/serial.c"), ("serve.c", "examples/serve/main.c")),
    steps=(
        "add_subdirectory(this_folder) after pico_sdk_init() in your CMakeLists.txt, then link {id}.",
        "To try it: PICO_SDK_PATH=... cmake -B build -DPICO_BOARD=pico && cmake --build build; copy {id}_answers.uf2",
    ),
    protocol_steps=("{id}_serve.uf2 answers on USB; no UART is used.",),
    board="PICO_BOARD",
)
ZEPHYR = Framework(
    name="zephyr",
    title="Zephyr",
    files=(
        ("zephyr/module.yml", "zephyr/module.yml"),
        ("zephyr/CMakeLists.txt", "CMakeLists.txt"),
        ("zephyr/Kconfig", "Kconfig"),
        ("zephyr/sample/CMakeLists.txt", "samples/answers/CMakeLists.txt"),
        ("zephyr/sample/answers.conf", "samples/answers/prj.conf"),
        ("zephyr/sample/sample.yaml", "samples/answers/sample.yaml"),
        ("example.c", "samples/answers/src/main.c"),
    ),
    protocol_files=(
        ("serial/zephyr.c", "src/{id}/serial.c"),
        ("zephyr/sample/CMakeLists.txt", "samples/serve/CMakeLists.txt"),
        ("zephyr/sample/serve.conf", "samples/serve/prj.conf"),
        ("serve.c", "samples/serve/src/main.c"),
    ),
    steps=(
        "A Zephyr module: name this folder in ZEPHYR_EXTRA_MODULES or in your west.yml, and set CONFIG_{upper}=y.",
        "To try it: west build -b BOARD samples/answers && west flash",
    ),
    protocol_steps=("samples/serve answers on the UART that the board's devicetree chooses as zephyr,console.",),
    board="CONFIG_BOARD",
)
ESP_IDF = Framework(
    name="esp-idf",
    title="ESP-IDF",
    files=(
        ("esp-idf/CMakeLists.txt", "CMakeLists.txt"),
        ("esp-idf/idf_component.yml", "idf_component.yml"),
        ("esp-idf/project/CMakeLists.txt", "examples/answers/CMakeLists.txt"),
        ("esp-idf/project/main/CMakeLists.txt", "examples/answers/main/CMakeLists.txt"),
        ("esp-idf/project/main/idf_component.yml", "examples/answers/main/idf_component.yml"),
        ("esp-idf/project/sdkconfig.defaults", "examples/answers/sdkconfig.defaults"),
        ("esp-idf/project/sdkconfig.defaults.esp32s3", "examples/answers/sdkconfig.defaults.esp32s3"),
        ("example.c", "examples/answers/main/main.c"),
    ),
    protocol_files=(
        ("serial/esp_idf.c", "src/{id}/serial.c"),
        ("esp-idf/project/CMakeLists.txt", "examples/serve/CMakeLists.txt"),
        ("esp-idf/project/main/CMakeLists.txt", "examples/serve/main/CMakeLists.txt"),
        ("esp-idf/project/main/idf_component.yml", "examples/serve/main/idf_component.yml"),
        ("esp-idf/project/sdkconfig.defaults", "examples/serve/sdkconfig.defaults"),
        ("esp-idf/project/sdkconfig.defaults.esp32s3", "examples/serve/sdkconfig.defaults.esp32s3"),
        ("serve.c", "examples/serve/main/main.c"),
    ),
    steps=(
        "A component: put this folder, named {id}, into the folder components of your project, and require {id}.",
        "To try it: cd examples/answers && idf.py set-target esp32s3 && idf.py flash monitor",
    ),
    protocol_steps=("examples/serve answers on the console: UART 0, or USB Serial/JTAG where that is chosen.",),
    board="CONFIG_IDF_TARGET",
    library_steps=(
        "A component: put this folder, named {id}, into the folder components of your project, and require {id}.",
        "To try it: cd examples/answers && idf.py set-target esp32c3 && idf.py flash monitor",
    ),
)
CMSIS_PACK = Framework(
    name="cmsis-pack",
    title="CMSIS pack",
    files=(("cmsis-pack/package.pdsc", "Alpharho.{id}.pdsc"), ("example.c", "examples/answers/main.c")),
    protocol_files=(("cmake/serve.c", "examples/serve/main.c"),),
    steps=(
        "cpackget add this_folder/Alpharho.{id}.pdsc, then choose Machine Learning > {id} in your project.",
        "Or install the one file Alpharho.{id}.{version}.pack in your IDE's pack manager.",
    ),
    protocol_steps=("The line is yours: fill in struct {id}_line as examples/serve does, then call begin and poll.",),
    board='"cmsis-pack"',
    has_port=False,
)

FRAMEWORKS = {
    framework.name: framework
    for framework in (CMAKE, ARDUINO, PLATFORMIO, PICO_SDK, ZEPHYR, ESP_IDF, CMSIS_PACK)
}  # fmt: skip
