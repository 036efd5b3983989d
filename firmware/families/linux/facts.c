/* What the kernel reports of a Linux board, as deploy/agent/linux.py does: the answer to BOARD.
 * Sources: Documentation/admin-guide/pm/cpufreq.rst and Documentation/driver-api/thermal/sysfs-api.rst of Linux. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the name that glibc reads */
#include "linux.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define VALUE_BYTES 200
#define POLICIES    64

struct json {
  char *text;
  size_t room;
  size_t at;
  size_t whole; /* bytes up to the last member that is kept */
};

/* End a member: it is left out if it and the closing brace do not fit. */
static void keep(struct json *json) {
  if (json->at < json->room) {
    json->whole = json->at;
  }
  json->at = json->whole;
}

static void put_char(struct json *json, char c) {
  if (json->at < json->room) {
    json->text[json->at] = c;
  }
  json->at++;
}

static void put(struct json *json, const char *text) {
  for (; *text != '\0'; text++) {
    put_char(json, *text);
  }
}

static void put_name(struct json *json, const char *name) {
  put(json, json->at == 0u ? "{\"" : ",\"");
  put(json, name);
  put(json, "\":");
}

/* Add a text, unless it is empty: printable ASCII, other bytes become '?'. */
static void put_text(struct json *json, const char *name, const char *value) {
  if (*value == '\0') {
    return;
  }
  put_name(json, name);
  put_char(json, '"');
  for (; *value != '\0'; value++) {
    if (*value == '"' || *value == '\\') {
      put_char(json, '\\');
    }
    put_char(json, *value >= ' ' && *value <= '~' ? *value : '?');
  }
  put_char(json, '"');
  keep(json);
}

static void put_number(struct json *json, const char *name, long long value) {
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%lld", value);
  put_name(json, name);
  put(json, digits);
  keep(json);
}

/* End a text before the first of some characters. */
static void cut(char *text, const char *ends) {
  char *end = strpbrk(text, ends);
  if (end != NULL) {
    *end = '\0';
  }
}

/* Read the first line of a file without its end. Returns false, with an empty line, if there is none. */
static bool read_line(const char *path, char line[VALUE_BYTES]) {
  FILE *file = fopen(path, "re");
  line[0] = '\0';
  if (file == NULL) {
    return false;
  }
  const bool is_there = fgets(line, VALUE_BYTES, file) != NULL;
  (void)fclose(file);
  cut(line, "\n");
  return is_there;
}

static bool read_number(const char *path, int base, long long *value) {
  char line[VALUE_BYTES];
  char *end;
  if (!read_line(path, line)) {
    return false;
  }
  *value = strtoll(line, &end, base);
  return end != line && *end == '\0';
}

/* Return the value of a line `key : value` of /proc/cpuinfo, NULL if it is another line. */
static char *value_of(char *line, const char *key) {
  const size_t length = strlen(key);
  if (strncmp(line, key, length) != 0) {
    return NULL;
  }
  char *value = line + length + strspn(line + length, " \t");
  if (*value != ':') {
    return NULL;
  }
  value += 1 + strspn(value + 1, " \t");
  cut(value, "\n");
  return value;
}

static void put_cpu(struct json *json) {
  char line[VALUE_BYTES];
  char model[VALUE_BYTES] = "";
  char parts[VALUE_BYTES] = "";
  char implementer[16] = "";
  FILE *file = fopen("/proc/cpuinfo", "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    char core[48];
    const char *name = value_of(line, "model name");
    const char *by = value_of(line, "CPU implementer");
    const char *number = value_of(line, "CPU part");
    if (name != NULL) {
      (void)snprintf(model, sizeof model, "%s", name);
    } else if (by != NULL) {
      (void)snprintf(implementer, sizeof implementer, "%s", by);
    } else if (number != NULL) {
      (void)snprintf(core, sizeof core, "%s:%.20s", implementer, number);
      const size_t used = strlen(parts);
      if (strstr(parts, core) == NULL) {
        (void)snprintf(parts + used, sizeof parts - used, "%s%s", used == 0u ? "" : ", ", core);
      }
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
  put_text(json, "cpu", model);
  put_text(json, "cpu_part", parts);
}

static void put_system(struct json *json) {
  char line[VALUE_BYTES];
  FILE *file = fopen("/etc/os-release", "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    static const char key[] = "PRETTY_NAME=";
    if (strncmp(line, key, sizeof key - 1u) == 0) {
      char *name = line + sizeof key - 1u;
      name += strspn(name, "\"'");
      cut(name, "\"'\n");
      put_text(json, "os", name);
      break;
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
}

static void put_cores(struct json *json) {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) {
    put_number(json, "cores", CPU_COUNT(&cores));
  }
}

/* Clock domains have numbers of their own: that of their first core. */
static bool read_policy(int policy, const char *name, char line[VALUE_BYTES]) {
  char path[96];
  (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpufreq/policy%d/%s", policy, name);
  return read_line(path, line);
}

static void put_clocks(struct json *json) {
  char line[VALUE_BYTES];
  bool has_governor = false;
  bool has_clock = false;
  for (int policy = 0; policy < POLICIES; policy++) {
    if (!has_governor && read_policy(policy, "scaling_governor", line)) {
      has_governor = true;
      put_text(json, "governor", line);
    }
  }
  for (int policy = 0; policy < POLICIES; policy++) {
    if (read_policy(policy, "scaling_cur_freq", line)) {
      const long long hz = strtoll(line, NULL, 10) * 1000;
      if (!has_clock) {
        put_name(json, "cpu_hz");
      }
      (void)snprintf(line, sizeof line, "%s%lld", has_clock ? "," : "[", hz);
      put(json, line);
      has_clock = true;
    }
  }
  if (has_clock) {
    put_char(json, ']');
    keep(json);
  }
}

static bool is_cpu_zone(const char *name) {
  static const char *const zones[] = {"cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc-thermal", "soc_thermal"};
  for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
    if (strcmp(name, zones[i]) == 0) {
      return true;
    }
  }
  return false;
}

static void put_temperature(struct json *json) {
  for (int zone = 0; zone < 32; zone++) {
    char path[64];
    char line[VALUE_BYTES];
    long long millidegrees;
    (void)snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/type", zone);
    if (!read_line(path, line)) {
      return;
    }
    (void)snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/temp", zone);
    if (is_cpu_zone(line) && read_number(path, 10, &millidegrees)) {
      (void)snprintf(line, sizeof line, "%.3f", (double)millidegrees / 1000.0);
      put_name(json, "temperature_c");
      put(json, line);
      keep(json);
      return;
    }
  }
}

size_t alpharho_linux_facts(char *text, size_t room, bool is_emulated) {
  struct json json = {text, room, 0, 0};
  struct utsname name = {0};
  char line[VALUE_BYTES];
  long long word;
  if (uname(&name) == 0) {
    put_text(&json, "architecture", name.machine);
  }
  if (is_emulated) { /* the files are those of the emulator's machine */
    put(&json, json.at == 0u ? "{}" : "}");
    return json.at;
  }
  put_text(&json, "kernel", name.release);
  put_cpu(&json);
  if (read_line("/proc/device-tree/model", line)) {
    put_text(&json, "machine", line);
  }
  put_system(&json);
  put_cores(&json);
  put_clocks(&json);
  put_temperature(&json);
  if (read_number("/sys/devices/platform/soc/soc:firmware/get_throttled", 16, &word)) {
    put_number(&json, "throttled_word", word);
  }
  put(&json, json.at == 0u ? "{}" : "}");
  return json.at;
}
